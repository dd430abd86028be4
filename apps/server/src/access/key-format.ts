import { hash, randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { ProblemError } from '../lib/problem-error.ts'

export type KeyKind = 'tenant' | 'service' | 'operator'

const PREFIX: Record<KeyKind, string> = {
  tenant: 'tg_live_',
  service: 'tg_svc_',
  operator: 'tg_op_',
}
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 62^32 is more than 190 bits. */
const SECRET_CHARS = 32
const CHECKSUM_CHARS = 6

/** A new key. Shown once; what is kept is its hash and a hint by which people know it again. */
export function makeKey(kind: KeyKind): { key: string; keyId: string } {
  const body = PREFIX[kind] + randomBase62(SECRET_CHARS)
  return { key: body + checksum(body), keyId: makeKeyId() }
}

export function makeKeyId(): string {
  return `key_${randomBase62(20)}`
}

/** False for keys of ours that were mistyped or cut: refused without asking the database. */
export function mayBeKey(text: string): boolean {
  for (const prefix of Object.values(PREFIX)) {
    if (!text.startsWith(prefix)) continue
    const body = text.slice(0, -CHECKSUM_CHARS)
    const wellFormed = text.length === prefix.length + SECRET_CHARS + CHECKSUM_CHARS
    // An operator's own key may begin as ours do.
    return (wellFormed && text.endsWith(checksum(body))) || prefix === PREFIX.operator
  }
  return true
}

/**
 * The key or access token of an `Authorization: Bearer …` header.
 * @throws ProblemError unauthorized
 */
export function bearerOf(authorization: string | undefined): string {
  // Few ways to write it, since whole headers are remembered: a key and much white space would fill
  // the memory.
  const bearer = /^Bearer {1,4}(\S+)$/i.exec(authorization ?? '')?.[1]
  if (bearer !== undefined) return bearer
  const detail = 'Send a key or an access token as “Authorization: Bearer …”.'
  throw new ProblemError('unauthorized', { detail })
}

/** A JSON Web Token begins with an object in base64; no key does, since none has a dot. */
export function isAccessToken(bearer: string): boolean {
  return bearer.startsWith('eyJ') && bearer.includes('.')
}

/** 32 bytes. A key has too many bits to be guessed from a fast hash, so a slow one buys nothing. */
export function hashKey(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}

export function hintOf(key: string): string {
  const prefix = Object.values(PREFIX).find((start) => key.startsWith(start)) ?? ''
  return `${prefix}…${key.slice(-4)}`
}

function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  while (digits.length < CHECKSUM_CHARS) {
    digits = BASE62[rest % 62]! + digits
    rest = Math.floor(rest / 62)
  }
  return digits
}

function randomBase62(length: number): string {
  let text = ''
  while (text.length < length) {
    // Bytes from 248 up would make the first letters more likely.
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += BASE62[byte % 62]
    }
  }
  return text
}
