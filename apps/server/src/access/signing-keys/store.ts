import type { Queryable } from '../../db/pool.ts'

export type SigningKeyRow = {
  key_id: string
  public_jwk: unknown
  private_jwk: unknown
  retired_at: number | null
}

/** The one that signs, and those retired since. */
export async function readSigningKeys(
  db: Queryable,
  retiredSince: number,
): Promise<SigningKeyRow[]> {
  const { rows } = await db.query<SigningKeyRow>(
    `SELECT key_id, public_jwk, private_jwk, retired_at FROM signing_key
     WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at DESC, key_id`,
    [new Date(retiredSince)],
  )
  return rows
}

/** Any number that nobody else uses: who rotates waits for who rotates. */
const SIGNING_KEY_LOCK = 7_055_217_011

export async function lockSigningKeys(db: Queryable): Promise<void> {
  await db.query('SELECT pg_advisory_xact_lock($1)', [SIGNING_KEY_LOCK])
}

/** Does nothing while another one signs. */
export async function insertSigningKey(
  db: Queryable,
  key: { keyId: string; publicJwk: object; privateJwk: object },
): Promise<void> {
  await db.query(
    `INSERT INTO signing_key (key_id, public_jwk, private_jwk) VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING`,
    [key.keyId, key.publicJwk, key.privateJwk],
  )
}

export async function retireSigningKey(db: Queryable, now: number): Promise<void> {
  await db.query('UPDATE signing_key SET retired_at = $1 WHERE retired_at IS NULL', [new Date(now)])
}

export async function deleteSigningKeys(db: Queryable, retiredBefore: number): Promise<void> {
  await db.query('DELETE FROM signing_key WHERE retired_at < $1', [new Date(retiredBefore)])
}
