import { EXPORT_CHUNK_BYTES } from '../../limits.ts'

const DIGIT_0 = 0x30
const MINUS = 0x2d
const POINT = 0x2e
const LETTER_Z = 0x5a
/** Larger rows make the sink grow. */
const ROW_BYTES_USUAL_MAX = 8 * 1024
const MICROS_PER_UNIT = 1_000_000
/** Numbers with as many digits are reckoned with as integers, the digits of larger ones in two parts. */
const SMALL_DIGITS = 9
const SMALL = 10 ** SMALL_DIGITS
const SMALL_MAX = SMALL - 1
/** A number of 64 bits has no more digits. */
const NUMBER_BYTES_MAX = 32
const WORDS_KEPT_MAX = 1_000

/** Text that is written as bytes, in pieces of about EXPORT_CHUNK_BYTES. */
export class ByteSink {
  bytes = Buffer.allocUnsafeSlow(EXPORT_CHUNK_BYTES + ROW_BYTES_USUAL_MAX)
  length = 0
  #second = Number.NaN
  #secondBytes: Uint8Array = new Uint8Array()
  readonly #words = new Map<string, Uint8Array>()

  get isFull(): boolean {
    return this.length >= EXPORT_CHUNK_BYTES
  }

  /** What was written until now; the sink begins anew. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length)
    this.bytes = Buffer.allocUnsafeSlow(EXPORT_CHUNK_BYTES + ROW_BYTES_USUAL_MAX)
    this.length = 0
    return taken
  }

  /** To be called before bytes are put by hand. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + count))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** Of a few words that come again and again: reading a string's characters costs more than its bytes. */
  ascii(text: string): void {
    let bytes = this.#words.get(text)
    if (bytes === undefined) {
      bytes = Buffer.from(text, 'latin1')
      if (this.#words.size < WORDS_KEPT_MAX) this.#words.set(text, bytes)
    }
    this.part(bytes, 0, bytes.length)
  }

  text(text: string): void {
    this.reserve(3 * text.length)
    this.length += this.bytes.write(text, this.length)
  }

  part(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    const { bytes, length } = this
    for (let i = start; i < end; i++) bytes[length + i - start] = source[i]!
    this.length = length + end - start
  }

  whole(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.ascii(String(value))
      return
    }
    this.reserve(NUMBER_BYTES_MAX)
    if (value < 0) this.bytes[this.length++] = MINUS
    this.#digits(Math.abs(value))
  }

  /** Millionths as a decimal, without zeros at its end. */
  micros(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.ascii(decimalOf(value))
      return
    }
    this.reserve(NUMBER_BYTES_MAX)
    const size = Math.abs(value)
    if (value < 0) this.bytes[this.length++] = MINUS
    const units = Math.floor(size / MICROS_PER_UNIT)
    const rest = size - units * MICROS_PER_UNIT
    this.#digits(units)
    if (rest === 0) return
    this.bytes[this.length++] = POINT
    this.#padded(rest, 6)
    while (this.bytes[this.length - 1] === DIGIT_0) this.length -= 1
  }

  /** As Date.prototype.toISOString writes it. Calls that came together share their second. */
  instant(at: number): void {
    const second = Math.floor(at / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#secondBytes = Buffer.from(new Date(at).toISOString().slice(0, -4), 'latin1')
    }
    this.part(this.#secondBytes, 0, this.#secondBytes.length)
    this.reserve(4)
    this.#padded(at - second * 1_000, 3)
    this.bytes[this.length++] = LETTER_Z
  }

  #digits(value: number): void {
    if (value < 10) {
      this.bytes[this.length++] = DIGIT_0 + value
      return
    }
    if (value > SMALL_MAX) {
      const upper = Math.floor(value / SMALL)
      this.#digits(upper)
      this.#padded(value - upper * SMALL, SMALL_DIGITS)
      return
    }
    let count = 2
    for (let limit = 100; limit <= value; limit *= 10) count += 1
    this.#padded(value, count)
  }

  /** In so many digits, of which there are at most nine. */
  #padded(value: number, count: number): void {
    const { bytes, length } = this
    let rest = value | 0
    for (let at = length + count - 1; at >= length; at--) {
      const tens = (rest / 10) | 0
      bytes[at] = DIGIT_0 + rest - tens * 10
      rest = tens
    }
    this.length = length + count
  }
}

function decimalOf(micros: bigint): string {
  const size = micros < 0n ? -micros : micros
  const digits = String(size).padStart(7, '0')
  const text = `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, '')
  return micros < 0n ? `-${text}` : text
}
