import type pg from 'pg'
import { onlyRow, type Queryable } from '../db/pool.ts'
import type { KeyKind } from './key-format.ts'

export type KeyRow = {
  key_no: number
  kind: KeyKind
  tenant_no: number | null
  tenant_id: string | null
  service_name: string | null
}

/** The key with this hash, unless it is unknown or revoked. */
export async function readActiveKey(pool: pg.Pool, keyHash: Buffer): Promise<KeyRow | null> {
  const { rows } = await pool.query<KeyRow>({
    name: 'read_active_key',
    text: `SELECT k.key_no, k.kind, k.tenant_no, t.tenant_id, s.name AS service_name
      FROM api_key AS k
      LEFT JOIN tenant AS t ON t.tenant_no = k.tenant_no
      LEFT JOIN service AS s ON s.service_no = k.service_no
      WHERE k.key_hash = $1 AND k.revoked_at IS NULL`,
    values: [keyHash],
  })
  return rows[0] ?? null
}

export type NewKey = {
  keyId: string
  kind: KeyKind
  keyHash: Buffer
  hint: string
  tenantNo?: number
  serviceNo?: number
}

export async function insertKey(db: Queryable, key: NewKey): Promise<void> {
  await db.query(
    `INSERT INTO api_key (key_id, kind, key_hash, hint, tenant_no, service_no)
     VALUES ($1, $2, $3, $4, $5, $6)`,
    [key.keyId, key.kind, key.keyHash, key.hint, key.tenantNo ?? null, key.serviceNo ?? null],
  )
}

/** @returns whether there was such a key, not revoked before */
export async function revokeKey(pool: pg.Pool, keyId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE api_key SET revoked_at = now()
     WHERE key_id = $1 AND revoked_at IS NULL AND kind <> 'operator'`,
    [keyId],
  )
  return rowCount === 1
}

export async function revokeOtherOperatorKeys(db: Queryable, keyHash: Buffer): Promise<void> {
  await db.query(
    `UPDATE api_key SET revoked_at = now()
     WHERE kind = 'operator' AND key_hash <> $1 AND revoked_at IS NULL`,
    [keyHash],
  )
}

/** Takes a key that was revoked back into use; true if the key is known. */
export async function restoreOperatorKey(db: Queryable, keyHash: Buffer): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE api_key SET revoked_at = NULL WHERE kind = 'operator' AND key_hash = $1`,
    [keyHash],
  )
  return rowCount === 1
}

export async function hasOperatorKey(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM api_key WHERE kind = 'operator' AND revoked_at IS NULL) AS found`,
  )
  return onlyRow({ rows }).found
}

export type KeyListRow = {
  key_id: string
  hint: string
  created_at: number
  revoked_at: number | null
}

export async function readTenantKeys(pool: pg.Pool, tenantNo: number): Promise<KeyListRow[]> {
  const { rows } = await pool.query<KeyListRow>(
    `SELECT key_id, hint, created_at, revoked_at FROM api_key WHERE tenant_no = $1 ORDER BY key_no`,
    [tenantNo],
  )
  return rows
}

/** Public ids of keys, by their numbers. */
export async function readKeyIds(pool: pg.Pool, keyNos: number[]): Promise<Map<number, string>> {
  const { rows } = await pool.query<{ key_no: number; key_id: string }>(
    'SELECT key_no, key_id FROM api_key WHERE key_no = ANY($1::int4[])',
    [keyNos],
  )
  return new Map(rows.map((row) => [row.key_no, row.key_id]))
}

export type TenantRow = {
  tenant_no: number
  tenant_id: string
  name: string
  email: string
  created_at: number
}
const TENANT_COLUMNS = 'tenant_no, tenant_id, name, email, created_at'

export async function insertTenant(
  db: Queryable,
  tenant: { tenantId: string; name: string; email: string },
): Promise<TenantRow> {
  const result = await db.query<TenantRow>(
    `INSERT INTO tenant (tenant_id, name, email) VALUES ($1, $2, $3) RETURNING ${TENANT_COLUMNS}`,
    [tenant.tenantId, tenant.name, tenant.email],
  )
  return onlyRow(result)
}

export async function readTenant(db: Queryable, tenantId: string): Promise<TenantRow | null> {
  const { rows } = await db.query<TenantRow>({
    name: 'read_tenant',
    text: `SELECT ${TENANT_COLUMNS} FROM tenant WHERE tenant_id = $1`,
    values: [tenantId],
  })
  return rows[0] ?? null
}

/** In the order in which they were made, after `afterNo`. */
export async function readTenants(
  pool: pg.Pool,
  afterNo: number,
  limit: number,
): Promise<TenantRow[]> {
  const { rows } = await pool.query<TenantRow>(
    `SELECT ${TENANT_COLUMNS} FROM tenant WHERE tenant_no > $1::int8 ORDER BY tenant_no LIMIT $2`,
    [afterNo, limit],
  )
  return rows
}

export async function updateTenant(
  db: Queryable,
  tenantNo: number,
  change: { name?: string | undefined; email?: string | undefined },
): Promise<TenantRow> {
  const result = await db.query<TenantRow>(
    `UPDATE tenant SET name = coalesce($2, name), email = coalesce($3, email)
     WHERE tenant_no = $1 RETURNING ${TENANT_COLUMNS}`,
    [tenantNo, change.name ?? null, change.email ?? null],
  )
  return onlyRow(result)
}

export async function readServiceKeys(pool: pg.Pool, serviceNo: number): Promise<KeyListRow[]> {
  const { rows } = await pool.query<KeyListRow>(
    `SELECT key_id, hint, created_at, revoked_at FROM api_key WHERE service_no = $1 ORDER BY key_no`,
    [serviceNo],
  )
  return rows
}

export type ServiceRow = {
  service_no: number
  name: string
  trust_reported: boolean
  created_at: number
}

export async function insertService(
  db: Queryable,
  service: { name: string; trustReported: boolean },
): Promise<ServiceRow> {
  const result = await db.query<ServiceRow>(
    `INSERT INTO service (name, trust_reported) VALUES ($1, $2)
     RETURNING service_no, name, trust_reported, created_at`,
    [service.name, service.trustReported],
  )
  return onlyRow(result)
}

export async function readService(pool: pg.Pool, name: string): Promise<ServiceRow | null> {
  const { rows } = await pool.query<ServiceRow>(
    'SELECT service_no, name, trust_reported, created_at FROM service WHERE name = $1',
    [name],
  )
  return rows[0] ?? null
}

export async function readServices(pool: pg.Pool): Promise<ServiceRow[]> {
  const { rows } = await pool.query<ServiceRow>(
    'SELECT service_no, name, trust_reported, created_at FROM service ORDER BY name',
  )
  return rows
}
