import { MESSAGE_HEAD_BYTES } from '../../db/copy-out.ts'

/**
 * Rows as PostgreSQL's `COPY … (FORMAT binary)` sends them, read where they are: an object for each of
 * them, or for each cell, would cost more than all the rest of an export.
 * Format: a signature of 11 bytes, two numbers, then for each row the number of its fields, and for each
 * field its length (-1: null) and its bytes (copyto.c).
 */
const HEADER_BYTES = 19
const COUNT_BYTES = 2
const END_OF_ROWS = -1
const TWO_TO_32 = 4_294_967_296
/** Upper halves of what a JS number holds exactly. */
const SAFE_UPPER = 0x1f_ffff
/** From 1970 to 2000, where PostgreSQL's times begin. */
const EPOCH_2000_MS = 946_684_800_000

export class CopiedRows {
  readonly bytes: Buffer
  readonly #end: number
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  #next = 0

  constructor(bytes: Buffer, length: number, fields: number) {
    this.bytes = bytes
    this.#end = length
    this.#starts = new Int32Array(fields)
    this.#ends = new Int32Array(fields)
  }

  /**
   * Goes on to the next row, of which only the first fields may be asked for.
   * @returns false when there is none, or not all of it
   */
  next(fields: number = this.#starts.length): boolean {
    const { bytes } = this
    const message = this.#next
    let at = message + MESSAGE_HEAD_BYTES
    if (at > this.#end) return false
    this.#next = message + 1 + int32(bytes, message + 1)
    if (message === 0) at += HEADER_BYTES
    // Before the end of rows stands no count.
    if (this.#next > this.#end || int16(bytes, at) === END_OF_ROWS) return false
    at += COUNT_BYTES
    const starts = this.#starts
    const ends = this.#ends
    for (let field = 0; field < fields; field++) {
      const length = int32(bytes, at)
      at += 4
      starts[field] = at
      // Of null, one before its beginning.
      at += length
      ends[field] = at
      if (length < 0) at += 1
    }
    return true
  }

  rewind(): void {
    this.#next = 0
  }

  isNull(field: number): boolean {
    return this.#ends[field]! < this.#starts[field]!
  }

  start(field: number): number {
    return this.#starts[field]!
  }

  end(field: number): number {
    return this.#ends[field]!
  }

  flag(field: number): boolean {
    return this.bytes[this.#starts[field]!] === 1
  }

  int16(field: number): number {
    return int16(this.bytes, this.#starts[field]!)
  }

  int32(field: number): number {
    return int32(this.bytes, this.#starts[field]!)
  }

  /** A number where it holds the value exactly. */
  int64(field: number): number | bigint {
    const at = this.#starts[field]!
    const upper = int32(this.bytes, at)
    if (upper > SAFE_UPPER || upper < -SAFE_UPPER) return this.bytes.readBigInt64BE(at)
    return upper * TWO_TO_32 + (int32(this.bytes, at + 4) >>> 0)
  }

  /** Of a time, in milliseconds since 1970. */
  instant(field: number): number {
    return Math.floor(Number(this.int64(field)) / 1_000) + EPOCH_2000_MS
  }
}

/** As Buffer.readInt32BE does it, without its checks: it is asked for each cell. */
function int32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

function int16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!
}
