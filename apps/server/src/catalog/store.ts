import type { Queryable } from '../db/pool.ts'

/** `terms` and `rules` are JSON as `schema.ts` describes it; they come from the database unchecked. */
export type PlanVersionRow = {
  plan_version_no: number
  plan: string
  version: number
  terms: unknown
}
export type RulesRow = { version: number; rules: unknown }
export type ServiceRow = { name: string; trust_reported: boolean }

/** Any number that nobody else uses: nodes that load a catalog together queue here. */
const CATALOG_LOCK = 7_055_217_002

/** Held until the transaction ends. */
export async function lockCatalog(db: Queryable): Promise<void> {
  await db.query('SELECT pg_advisory_xact_lock($1)', [CATALOG_LOCK])
}

export async function readPlanVersion(
  db: Queryable,
  planVersionNo: number,
): Promise<PlanVersionRow | null> {
  const { rows } = await db.query<PlanVersionRow>(
    'SELECT plan_version_no, plan, version, terms FROM plan_version WHERE plan_version_no = $1',
    [planVersionNo],
  )
  return rows[0] ?? null
}

/** The newest version of each plan, also of those that are no longer offered. */
export async function readLatestPlanVersions(db: Queryable): Promise<PlanVersionRow[]> {
  const { rows } = await db.query<PlanVersionRow>(
    `SELECT DISTINCT ON (plan) plan_version_no, plan, version, terms
     FROM plan_version ORDER BY plan, version DESC`,
  )
  return rows
}

/** Numbers of all versions that there ever were, without their terms. */
export async function readPlanVersionNumbers(
  db: Queryable,
): Promise<{ plan_version_no: number; plan: string; version: number }[]> {
  const { rows } = await db.query<{ plan_version_no: number; plan: string; version: number }>(
    'SELECT plan_version_no, plan, version FROM plan_version ORDER BY plan_version_no',
  )
  return rows
}

/** Versions of all plans, newest first, below `beforeNo`; null: from the newest. */
export async function readPlanVersionsBackward(
  db: Queryable,
  beforeNo: number | null,
  limit: number,
): Promise<(PlanVersionRow & { created_at: number })[]> {
  const { rows } = await db.query<PlanVersionRow & { created_at: number }>(
    `SELECT plan_version_no, plan, version, terms, created_at FROM plan_version
     WHERE plan_version_no < coalesce($1::int8, 2147483648)
     ORDER BY plan_version_no DESC LIMIT $2`,
    [beforeNo, limit],
  )
  return rows
}

/** The newest rules; null before any catalog was loaded. */
export async function readLatestRules(db: Queryable): Promise<RulesRow | null> {
  const { rows } = await db.query<RulesRow>(
    'SELECT version, rules FROM catalog_rules ORDER BY version DESC LIMIT 1',
  )
  return rows[0] ?? null
}

/** What the newest rules say of it; null: nothing. */
export async function readUsageProperties(db: Queryable): Promise<unknown> {
  const { rows } = await db.query<{ properties: unknown }>(
    `SELECT rules -> 'usage_properties' AS properties FROM catalog_rules ORDER BY version DESC LIMIT 1`,
  )
  return rows[0]?.properties ?? null
}

/** Changes exactly when a catalog was loaded that differs; both are 0 before the first. */
export async function readCatalogMark(
  db: Queryable,
): Promise<{ rules_version: number; plan_version_no: number }> {
  const { rows } = await db.query<{ rules_version: number; plan_version_no: number }>(
    `SELECT (SELECT coalesce(max(version), 0) FROM catalog_rules) AS rules_version,
            (SELECT coalesce(max(plan_version_no), 0) FROM plan_version) AS plan_version_no`,
  )
  return rows[0]!
}

export async function readServices(db: Queryable): Promise<ServiceRow[]> {
  const { rows } = await db.query<ServiceRow>(
    'SELECT name, trust_reported FROM service ORDER BY name',
  )
  return rows
}

export async function insertPlanVersion(
  db: Queryable,
  plan: string,
  version: number,
  terms: unknown,
): Promise<void> {
  await db.query('INSERT INTO plan_version (plan, version, terms) VALUES ($1, $2, $3)', [
    plan,
    version,
    JSON.stringify(terms),
  ])
}

export async function insertRules(db: Queryable, version: number, rules: unknown): Promise<void> {
  await db.query('INSERT INTO catalog_rules (version, rules) VALUES ($1, $2)', [
    version,
    JSON.stringify(rules),
  ])
}

/**
 * Which files are in force: the one that a node started with last, and the one that was applied by a
 * command since. SHA-256 of what is in them; null before the first.
 */
export async function readCatalogSource(
  db: Queryable,
): Promise<{ started_hash: Buffer | null; applied_hash: Buffer | null } | null> {
  const { rows } = await db.query<{ started_hash: Buffer | null; applied_hash: Buffer | null }>(
    'SELECT started_hash, applied_hash FROM catalog_source',
  )
  return rows[0] ?? null
}

export async function writeCatalogSource(
  db: Queryable,
  source: { startedHash: Buffer | null; appliedHash: Buffer | null },
): Promise<void> {
  await db.query(
    `INSERT INTO catalog_source (started_hash, applied_hash) VALUES ($1, $2)
     ON CONFLICT (is_only_row) DO UPDATE
     SET started_hash = excluded.started_hash, applied_hash = excluded.applied_hash`,
    [source.startedHash, source.appliedHash],
  )
}
