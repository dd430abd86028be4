import { hash, randomUUIDv7 } from 'node:crypto'
import { crc32 } from 'node:zlib'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** For senders that gave none. Version 7: the index of keys grows at one end. */
export function makeIdempotencyKey(): string {
  return randomUUIDv7()
}

/**
 * A key as it is stored: 16 bytes, as a latin1 string. UUIDs as they are usually written keep their
 * bits; everything else is hashed.
 */
export function storedKey(idempotencyKey: string): string {
  if (idempotencyKey.length === 36 && UUID.test(idempotencyKey)) {
    return Buffer.from(idempotencyKey.replaceAll('-', ''), 'hex').toString('latin1')
  }
  return hash('sha256', idempotencyKey, 'buffer').toString('latin1', 0, 16)
}

/** A key that Tollgate makes for commands that can happen once per line, such as the void of a call. */
export function derivedKey(...parts: (string | number)[]): string {
  // NUL appears in no sender's key, so none can collide by intent.
  return storedKey(`\0${parts.join('\0')}`)
}

/**
 * 32 bits of a body, to tell a replay from another body under the same key. Not a security measure.
 * @param parts in a fixed order; no text of a sender contains the NUL that separates them
 */
export function fingerprintOf(
  parts: readonly (string | number | bigint | boolean | null)[],
): number {
  return crc32(parts.join('\0')) | 0
}
