import { randomBytes } from 'node:crypto'
import type { signingKeysReply } from '@tollgate/contract'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type pg from 'pg'
import type { z } from 'zod'
import { inTransaction } from '../../db/pool.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import {
  ACCESS_TOKEN_SECONDS,
  SIGNING_KEY_CACHE_SECONDS,
  SIGNING_KEY_LOOK_SECONDS,
} from '../../limits.ts'
import { appendAudit } from '../audit/append.ts'
import {
  deleteSigningKeys,
  insertSigningKey,
  lockSigningKeys,
  readSigningKeys,
  retireSigningKey,
  type SigningKeyRow,
} from './store.ts'

export const SIGNING_ALGORITHM = 'EdDSA'

type SigningKey = { keyId: string; privateKey: CryptoKey }
type PublicKey = z.infer<typeof signingKeysReply>['keys'][number]
type KnownKeys = {
  signing: SigningKey | null
  verifying: ReadonlyMap<string, CryptoKey>
  published: PublicKey[]
}

/** How long a retired key must be known: until what the last node signed with it has expired. */
const RETIRED_MS = (ACCESS_TOKEN_SECONDS + SIGNING_KEY_CACHE_SECONDS) * 1_000

/** The keys of access tokens. They are made when first needed and are the same on every node. */
export class SigningKeys {
  private readonly pool: pg.Pool
  private readonly clock: Clock
  private known: Promise<KnownKeys> | null = null
  private readAt = Number.NEGATIVE_INFINITY

  constructor({ pool, clock }: { pool: pg.Pool; clock: Clock }) {
    this.pool = pool
    this.clock = clock
  }

  /** The one that signs. */
  async signing(): Promise<SigningKey> {
    const { signing } = await this.current()
    return signing ?? (await this.makeFirst())
  }

  /** The public key of this id, retired or not; null: there is none, or what it signed has expired. */
  async verifying(keyId: unknown): Promise<CryptoKey | null> {
    if (typeof keyId !== 'string') return null
    const known = (await this.current()).verifying.get(keyId)
    // Another node may have begun to sign with a new one.
    if (known !== undefined || this.age() < SIGNING_KEY_LOOK_SECONDS * 1_000) return known ?? null
    return (await this.read()).verifying.get(keyId) ?? null
  }

  /** The public parts, for others who verify. */
  async published(): Promise<PublicKey[]> {
    await this.signing()
    return (await this.current()).published
  }

  /**
   * Another key signs from now on, on other nodes within SIGNING_KEY_CACHE_SECONDS. What the one
   * before signed stays good until it expires.
   */
  async rotate(actor: Actor): Promise<{ keyId: string }> {
    const key = await newKey()
    const now = this.clock.now()
    await inTransaction(this.pool, async (db) => {
      await lockSigningKeys(db)
      await retireSigningKey(db, now)
      await insertSigningKey(db, key)
      await appendAudit(db, actor, {
        tenantNo: null,
        action: 'signing_key.rotated',
        object: { kind: 'signing_key', id: key.keyId },
        recordedAt: now,
      })
    })
    await this.read()
    return { keyId: key.keyId }
  }

  /** Deletes those that nothing needs any more. */
  async deleteOld(): Promise<void> {
    await deleteSigningKeys(this.pool, this.clock.now() - RETIRED_MS)
  }

  private async makeFirst(): Promise<SigningKey> {
    const key = await newKey()
    // Nodes that do this at the same time: the database keeps one, and all read that.
    await inTransaction(this.pool, async (db) => {
      await lockSigningKeys(db)
      await insertSigningKey(db, key)
    })
    const { signing } = await this.read()
    if (signing === null) throw new Error('no key signs, though one was just made')
    return signing
  }

  private current(): Promise<KnownKeys> {
    if (this.known !== null && this.age() < SIGNING_KEY_CACHE_SECONDS * 1_000) return this.known
    return this.read()
  }

  /** Of what is known, ms. A clock that was put back makes it look old, and not young for hours. */
  private age(): number {
    return Math.abs(this.clock.now() - this.readAt)
  }

  private read(): Promise<KnownKeys> {
    const now = this.clock.now()
    this.readAt = now
    const reading = this.readAll(now)
    this.known = reading
    // What failed is not remembered: the next who asks tries again.
    reading.catch(() => {
      if (this.known === reading) this.known = null
    })
    return reading
  }

  private async readAll(now: number): Promise<KnownKeys> {
    const rows = await readSigningKeys(this.pool, now - RETIRED_MS)
    const verifying = new Map<string, CryptoKey>()
    for (const row of rows) verifying.set(row.key_id, await imported(row.public_jwk))
    const row = rows.find(({ retired_at }) => retired_at === null)
    const signing =
      row === undefined ? null : { keyId: row.key_id, privateKey: await imported(row.private_jwk) }
    return { signing, verifying, published: rows.map(publicPart) }
  }
}

async function newKey(): Promise<{ keyId: string; publicJwk: object; privateJwk: object }> {
  const { publicKey, privateKey } = await generateKeyPair(SIGNING_ALGORITHM, { extractable: true })
  return {
    keyId: `sig_${randomBytes(10).toString('hex')}`,
    publicJwk: await exportJWK(publicKey),
    privateJwk: await exportJWK(privateKey),
  }
}

async function imported(jwk: unknown): Promise<CryptoKey> {
  return (await importJWK(jwk as JWK, SIGNING_ALGORITHM)) as CryptoKey
}

/** Named one by one: what is not listed here does not go out. */
function publicPart(row: SigningKeyRow): PublicKey {
  const { x } = row.public_jwk as { x: string }
  return { kty: 'OKP', crv: 'Ed25519', x, kid: row.key_id, alg: 'EdDSA', use: 'sig' }
}
