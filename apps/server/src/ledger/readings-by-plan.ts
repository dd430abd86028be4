import type { Queryable } from '../db/pool.ts'
import { countAccountsByPlan } from './store.ts'

/** How many tenants are on each plan version, by its number; versions without any are left out. */
export async function tenantsByPlanVersion(db: Queryable): Promise<Map<number, number>> {
  const rows = await countAccountsByPlan(db)
  return new Map(rows.map((row) => [row.plan_version_no, Number(row.tenants)]))
}
