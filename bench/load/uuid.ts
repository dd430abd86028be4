const HEX_PAIRS = Buffer.from(
  Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0')).join(''),
  'latin1',
)
const VERSION_7 = '7'.charCodeAt(0)
const VARIANTS = Buffer.from('89ab', 'latin1')

/** Stands where a UUID will be written; the writer leaves its dashes alone. */
export const UUID_PLACE = '00000000-0000-7000-8000-000000000000'

/**
 * Writes new UUIDs of version 7 in place: a millisecond of time, a counter of 12 bits within it, as
 * the usual libraries have (RFC 9562, 6.2), then 62 random bits. Written straight into the request, because making a string for each would cost the load process as much as sending it.
 */
export class UuidWriter {
  #random = crypto.getRandomValues(new Uint32Array(4))
  #timeMs = -1
  #count = 0
  readonly #timeHex = Buffer.alloc(12)

  write(target: Buffer, offset: number, nowMs: number): void {
    this.#writeTime(target, offset, nowMs)
    const count = this.#count++
    const a = this.#next()
    const b = this.#next()
    const c = this.#next()
    target[offset + 14] = VERSION_7
    target[offset + 15] = HEX_PAIRS[((count >>> 8) & 0xf) * 2 + 1]!
    writeByte(target, offset + 16, count)
    writeByte(target, offset + 19, a >>> 8)
    target[offset + 19] = VARIANTS[a & 3]!
    writeByte(target, offset + 21, b >>> 24)
    writeByte(target, offset + 24, b >>> 16)
    writeByte(target, offset + 26, b >>> 8)
    writeByte(target, offset + 28, b)
    writeByte(target, offset + 30, c >>> 24)
    writeByte(target, offset + 32, c >>> 16)
    writeByte(target, offset + 34, c >>> 8)
  }

  #writeTime(target: Buffer, offset: number, nowMs: number): void {
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs
      this.#count = 0
      this.#timeHex.write(nowMs.toString(16).padStart(12, '0'), 'latin1')
    }
    const hex = this.#timeHex
    for (let i = 0; i < 8; i++) target[offset + i] = hex[i]!
    for (let i = 8; i < 12; i++) target[offset + i + 1] = hex[i]!
  }

  /** xorshift128: fast, and good enough for keys that only have to differ. */
  #next(): number {
    const s = this.#random
    let t = s[3]!
    const first = s[0]!
    s[3] = s[2]!
    s[2] = s[1]!
    s[1] = first
    t ^= t << 11
    t ^= t >>> 8
    s[0] = t ^ first ^ (first >>> 19)
    return s[0]!
  }
}

function writeByte(target: Buffer, offset: number, value: number): void {
  const at = (value & 0xff) * 2
  target[offset] = HEX_PAIRS[at]!
  target[offset + 1] = HEX_PAIRS[at + 1]!
}
