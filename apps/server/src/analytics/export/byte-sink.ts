import { EXPORT_CHUNK_BYTES } from '../../limits.ts'

const DIGIT_0 = 0x30
const MINUS = 0x2d
const POINT = 0x2e
const LETTER_Z = 0x5a
/** More is copied faster by a call out of JavaScript. */
const BY_HAND_BYTES_MAX = 12
/** Larger rows make the sink grow. */
const ROW_BYTES_USUAL_MAX = 8 * 1024
const MICROS_PER_UNIT = 1_000_000
/** Numbers with as many digits are reckoned with as integers, the digits of larger ones in two parts. */
const SMALL_DIGITS = 9
const SMALL = 10 ** SMALL_DIGITS
const SMALL_MAX = SMALL - 1
/** A number of 64 bits has no more digits. */
const NUMBER_BYTES_MAX = 32

/** Text that is written as bytes, in pieces of about EXPORT_CHUNK_BYTES. */
export class ByteSink {
  bytes: Buffer
  length = 0
  /** Of the piece that was taken last. */
  #taken: Buffer | null = null
  #second = Number.NaN
  #secondBytes: Uint8Array = new Uint8Array()

  constructor(bytes: number = EXPORT_CHUNK_BYTES + ROW_BYTES_USUAL_MAX) {
    this.bytes = Buffer.allocUnsafeSlow(bytes)
  }

  get isFull(): boolean {
    return this.length >= EXPORT_CHUNK_BYTES
  }

  /**
   * What was written until now; the sink begins anew.
   * @param isFree whether pieces taken before are not needed any more: then there are two by turns. Memory
   *   for each would have V8 collect garbage all the time, for a third of the processor time of an export
   */
  take(isFree: boolean): Buffer {
    const free = isFree ? this.#taken : null
    this.#taken = this.bytes
    const piece = this.bytes.subarray(0, this.length)
    this.bytes = free ?? Buffer.allocUnsafeSlow(EXPORT_CHUNK_BYTES + ROW_BYTES_USUAL_MAX)
    this.length = 0
    return piece
  }

  /** To be called before bytes are put by hand. */
  reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + count))
    larger.set(this.bytes.subarray(0, this.length))
    this.bytes = larger
  }

  text(text: string): void {
    this.reserve(3 * text.length)
    this.length += this.bytes.write(text, this.length)
  }

  put(source: Uint8Array): void {
    const count = source.length
    this.reserve(count)
    const { bytes, length } = this
    if (count > BY_HAND_BYTES_MAX) bytes.set(source, length)
    else for (let i = 0; i < count; i++) bytes[length + i] = source[i]!
    this.length = length + count
  }

  part(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    const { bytes, length } = this
    for (let i = start; i < end; i++) bytes[length + i - start] = source[i]!
    this.length = length + end - start
  }

  whole(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.text(String(value))
      return
    }
    this.reserve(NUMBER_BYTES_MAX)
    if (value < 0) this.bytes[this.length++] = MINUS
    this.#digits(Math.abs(value))
  }

  /** Millionths as a decimal, without zeros at its end. */
  micros(value: number | bigint): void {
    if (typeof value === 'bigint') {
      this.text(decimalOf(value))
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
    this.put(this.#secondBytes)
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
