import type pg from 'pg'
import { onlyRow, type Queryable } from '../db/pool.ts'
import type { KeyKind } from './key-format.ts'

export type KeyRow = {
  key_no: number
  key_id: string
  kind: KeyKind
  tenant_no: number | null
  tenant_id: string | null
  service_name: string | null
  scopes: string[]
  valid_until: number | null
}

/** The key with this hash, or whose secret was this until lately; null: unknown, expired or revoked. */
export async function readActiveKey(
  pool: pg.Pool,
  keyHash: Buffer,
  now: number,
): Promise<KeyRow | null> {
  const { rows } = await pool.query<KeyRow>({
    name: 'read_active_key',
    text: `SELECT k.key_no, k.key_id, k.kind, k.tenant_no, t.tenant_id, s.name AS service_name, k.scopes,
        CASE WHEN k.key_hash = $1 THEN k.expires_at ELSE least(k.expires_at, k.old_key_until) END
          AS valid_until
      FROM api_key AS k
      LEFT JOIN tenant AS t ON t.tenant_no = k.tenant_no
      LEFT JOIN service AS s ON s.service_no = k.service_no
      WHERE (k.key_hash = $1 OR (k.old_key_hash = $1 AND k.old_key_until > $2))
        AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)`,
    values: [keyHash, new Date(now)],
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

/** @param usedAt by key, ms */
export async function writeLastUsed(
  pool: pg.Pool,
  keyNos: number[],
  usedAt: number[],
): Promise<void> {
  await pool.query(
    `UPDATE api_key AS k SET last_used_at = greatest(k.last_used_at, u.used_at)
     FROM unnest($1::int4[], $2::timestamptz[]) AS u (key_no, used_at) WHERE k.key_no = u.key_no`,
    [keyNos, usedAt.map((ms) => new Date(ms))],
  )
}

/** @returns whether there was such a key of a service, not revoked before */
export async function revokeKeyOfService(db: Queryable, keyId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE api_key SET revoked_at = now()
     WHERE key_id = $1 AND revoked_at IS NULL AND kind = 'service'`,
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

/** Keys by their numbers, members by theirs below zero. */
export async function readSenderNames(
  pool: pg.Pool,
  senderNos: number[],
): Promise<{ sender_no: number; id: string; team: string | null }[]> {
  const { rows } = await pool.query<{ sender_no: number; id: string; team: string | null }>(
    `SELECT key_no AS sender_no, key_id AS id, team FROM api_key WHERE key_no = ANY($1::int4[])
     UNION ALL
     SELECT -member_no, member_id, NULL FROM member WHERE member_no = ANY($2::int4[])`,
    [senderNos, senderNos.map((senderNo) => -senderNo)],
  )
  return rows
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
  tenant: { tenantId: string; name: string; email: string; hasTestClock?: boolean },
): Promise<TenantRow> {
  const result = await db.query<TenantRow>(
    `INSERT INTO tenant (tenant_id, name, email, has_test_clock) VALUES ($1, $2, $3, $4)
     RETURNING ${TENANT_COLUMNS}`,
    [tenant.tenantId, tenant.name, tenant.email, tenant.hasTestClock ?? false],
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

export type ServiceKeyRow = {
  key_id: string
  hint: string
  created_at: number
  revoked_at: number | null
  last_used_at: number | null
}

export async function readServiceKeys(pool: pg.Pool, serviceNo: number): Promise<ServiceKeyRow[]> {
  const { rows } = await pool.query<ServiceKeyRow>(
    `SELECT key_id, hint, created_at, revoked_at, last_used_at FROM api_key WHERE service_no = $1
     ORDER BY key_no`,
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

/** Whether PostgreSQL has a time zone of this name, spelt so. */
export async function readKnowsTimeZone(db: Queryable, timeZone: string): Promise<boolean> {
  const result = await db.query<{ known: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_timezone_names WHERE name = $1) AS known',
    [timeZone],
  )
  return onlyRow(result).known
}
