const LINE_FEED = 10
const CARRIAGE_RETURN = 13
const DIGIT_ZERO = 48
const LOWER_CASE = 0x20
const CONTENT_LENGTH = Buffer.from('content-length:', 'latin1')
const STATUS_OFFSET = 'HTTP/1.1 '.length
const HEAD_BYTES_MAX = 64 * 1024
const BODY_BYTES_MAX = 64 * 1024 * 1024

/** `bytes` from `bodyStart` to `bodyEnd` is the body; only valid until the next read. */
export type Reply = { status: number; bytes: Buffer; bodyStart: number; bodyEnd: number }

/**
 * Finds out of the bytes of one connection where a reply ends: status line, `Content-Length`, nothing
 * else. A reply that came in one piece, as nearly all do, is not copied.
 */
export class ReplyReader {
  readonly #reply: Reply = { status: 0, bytes: Buffer.alloc(0), bodyStart: 0, bodyEnd: 0 }
  #kept = Buffer.alloc(0)
  #keptBytes = 0
  /** How long the kept reply will be; 0 while its head is not complete. */
  #expected = 0

  /** The reply, once its last byte has been read. */
  read(chunk: Buffer, size: number): Reply | null {
    if (this.#keptBytes === 0) {
      if (this.#parse(chunk, size)) return this.#reply
      this.#keep(chunk, size)
      return null
    }
    this.#keep(chunk, size)
    if (this.#keptBytes < this.#expected || !this.#parse(this.#kept, this.#keptBytes)) return null
    this.#keptBytes = 0
    this.#expected = 0
    return this.#reply
  }

  #parse(bytes: Buffer, size: number): boolean {
    let bodyBytes = -1
    let lineStart = 0
    for (let i = 0; i < size; i++) {
      if (bytes[i] !== LINE_FEED) continue
      if (i - lineStart <= 1) return this.#complete(bytes, size, i + 1, bodyBytes)
      if (isContentLength(bytes, lineStart)) {
        bodyBytes = numberIn(bytes, lineStart + CONTENT_LENGTH.length, i)
      }
      lineStart = i + 1
    }
    if (size > HEAD_BYTES_MAX) throw new Error('the head of a reply does not end')
    return false
  }

  #complete(bytes: Buffer, size: number, bodyStart: number, bodyBytes: number): boolean {
    if (bodyBytes < 0) throw new Error('a reply without Content-Length, which this reader needs')
    if (bodyBytes > BODY_BYTES_MAX) throw new Error(`a reply of ${bodyBytes} bytes`)
    const end = bodyStart + bodyBytes
    if (size < end) {
      this.#expected = end
      return false
    }
    if (size > end) throw new Error('more bytes than the reply that was asked for')
    const reply = this.#reply
    reply.status = numberIn(bytes, STATUS_OFFSET, STATUS_OFFSET + 3)
    reply.bytes = bytes
    reply.bodyStart = bodyStart
    reply.bodyEnd = end
    return true
  }

  #keep(chunk: Buffer, size: number): void {
    const needed = Math.max(this.#keptBytes + size, this.#expected)
    if (this.#kept.length < needed) {
      const larger = Buffer.allocUnsafeSlow(needed * 2)
      this.#kept.copy(larger, 0, 0, this.#keptBytes)
      this.#kept = larger
    }
    chunk.copy(this.#kept, this.#keptBytes, 0, size)
    this.#keptBytes += size
  }
}

function isContentLength(bytes: Buffer, start: number): boolean {
  // Most lines differ in their first letter; the loop is for the rest.
  for (let i = 0; i < CONTENT_LENGTH.length; i++) {
    if ((bytes[start + i]! | LOWER_CASE) !== (CONTENT_LENGTH[i]! | LOWER_CASE)) return false
  }
  return true
}

function numberIn(bytes: Buffer, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - DIGIT_ZERO
    if (digit >= 0 && digit <= 9) value = value * 10 + digit
    else if (bytes[i] === CARRIAGE_RETURN) break
  }
  return value
}
