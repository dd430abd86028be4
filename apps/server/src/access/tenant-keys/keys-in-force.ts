import type pg from 'pg'
import { KEYS_PER_TENANT_MAX } from '../../limits.ts'
import { readKeysInForce } from './store.ts'

/** A key that works. Null: it has none, it was never used. */
export type KeyInForce = {
  readonly id: string
  /** Under which a log remembers what it sent. */
  readonly senderNo: number
  readonly name: string | null
  readonly team: string | null
  readonly createdAt: number
  readonly lastUsedAt: number | null
}

/** All of a tenant's keys that work at `now`. */
export async function keysInForce(
  pool: pg.Pool,
  tenantNo: number,
  now: number,
): Promise<KeyInForce[]> {
  const rows = await readKeysInForce(pool, tenantNo, now, KEYS_PER_TENANT_MAX)
  return rows.map((row) => ({
    id: row.key_id,
    senderNo: row.key_no,
    name: row.name,
    team: row.team,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
  }))
}
