import type pg from 'pg'
import { onlyRow, type Queryable } from '../../db/pool.ts'

export type TenantKeyRow = {
  key_no: number
  key_id: string
  hint: string
  name: string | null
  team: string | null
  scopes: string[]
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  last_used_at: number | null
  old_key_until: number | null
}
const COLUMNS = `key_no, key_id, hint, name, team, scopes, created_at, expires_at, revoked_at,
  last_used_at, old_key_until`

export type NewTenantKey = {
  tenantNo: number
  keyId: string
  keyHash: Buffer
  hint: string
  name: string | null
  team: string | null
  scopes: readonly string[]
  expiresAt: number | null
}

export async function insertTenantKey(db: Queryable, key: NewTenantKey): Promise<TenantKeyRow> {
  const result = await db.query<TenantKeyRow>(
    `INSERT INTO api_key (kind, tenant_no, key_id, key_hash, hint, name, team, scopes, expires_at)
     VALUES ('tenant', $1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
    [
      key.tenantNo,
      key.keyId,
      key.keyHash,
      key.hint,
      key.name,
      key.team,
      key.scopes,
      key.expiresAt === null ? null : new Date(key.expiresAt),
    ],
  )
  return onlyRow(result)
}

/** Held until the transaction ends: who makes a tenant's keys queues here, so that they can be counted. */
export async function lockTenant(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('SELECT 1 FROM tenant WHERE tenant_no = $1 FOR UPDATE', [tenantNo])
}

export async function countKeysInForce(db: Queryable, tenantNo: number): Promise<number> {
  const result = await db.query<{ keys: number }>(
    `SELECT count(*)::int AS keys FROM api_key WHERE tenant_no = $1 AND revoked_at IS NULL`,
    [tenantNo],
  )
  return onlyRow(result).keys
}

/** Oldest first, those made after a key's number. */
export async function readTenantKeys(
  db: Queryable,
  tenantNo: number,
  afterKeyNo: number,
  limit: number,
): Promise<TenantKeyRow[]> {
  const { rows } = await db.query<TenantKeyRow>(
    `SELECT ${COLUMNS} FROM api_key WHERE tenant_no = $1 AND key_no > $2 ORDER BY key_no LIMIT $3`,
    [tenantNo, afterKeyNo, limit],
  )
  return rows
}

/** Neither revoked nor expired, oldest first. */
export async function readKeysInForce(
  db: Queryable,
  tenantNo: number,
  now: number,
  limit: number,
): Promise<TenantKeyRow[]> {
  const { rows } = await db.query<TenantKeyRow>(
    `SELECT ${COLUMNS} FROM api_key
     WHERE tenant_no = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
     ORDER BY key_no LIMIT $3`,
    [tenantNo, new Date(now), limit],
  )
  return rows
}

/** The tenant's key if it is in force; nobody else changes it until the transaction ends. */
export async function lockTenantKey(
  db: Queryable,
  tenantNo: number,
  keyId: string,
): Promise<TenantKeyRow | null> {
  const { rows } = await db.query<TenantKeyRow>(
    `SELECT ${COLUMNS} FROM api_key
     WHERE key_id = $1 AND tenant_no = $2 AND revoked_at IS NULL FOR UPDATE`,
    [keyId, tenantNo],
  )
  return rows[0] ?? null
}

export async function updateTenantKey(
  db: Queryable,
  keyNo: number,
  key: { name: string | null; scopes: readonly string[]; expiresAt: number | null },
): Promise<TenantKeyRow> {
  const result = await db.query<TenantKeyRow>(
    `UPDATE api_key SET name = $2, scopes = $3, expires_at = $4 WHERE key_no = $1
     RETURNING ${COLUMNS}`,
    [keyNo, key.name, key.scopes, key.expiresAt === null ? null : new Date(key.expiresAt)],
  )
  return onlyRow(result)
}

/** The secret that was good until now becomes the old one; an older one is gone. */
export async function replaceSecret(
  db: Queryable,
  keyNo: number,
  secret: { keyHash: Buffer; hint: string; oldUntil: number },
): Promise<void> {
  await db.query(
    `UPDATE api_key SET old_key_hash = key_hash, old_key_until = $4, key_hash = $2, hint = $3
     WHERE key_no = $1`,
    [keyNo, secret.keyHash, secret.hint, new Date(secret.oldUntil)],
  )
}

export async function revokeTenantKey(db: Queryable, keyNo: number, now: number): Promise<void> {
  await db.query('UPDATE api_key SET revoked_at = $2 WHERE key_no = $1', [keyNo, new Date(now)])
}

/** Whose key it is; null for a service's or the operator's. */
export async function readKeyOwner(
  pool: pg.Pool,
  keyId: string,
): Promise<{ tenant_no: number | null } | null> {
  const { rows } = await pool.query<{ tenant_no: number | null }>(
    'SELECT tenant_no FROM api_key WHERE key_id = $1',
    [keyId],
  )
  return rows[0] ?? null
}

/** Of these keys those that were revoked, or expired, before then. */
export async function readEndedKeys(
  db: Queryable,
  keyNos: readonly number[],
  before: number,
): Promise<number[]> {
  const { rows } = await db.query<{ key_no: number }>(
    `SELECT key_no FROM api_key
     WHERE key_no = ANY($1::int4[]) AND (revoked_at < $2 OR expires_at < $2)`,
    [keyNos, new Date(before)],
  )
  return rows.map(({ key_no }) => key_no)
}
