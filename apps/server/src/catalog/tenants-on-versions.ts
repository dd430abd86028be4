import type { Queryable } from '../db/pool.ts'
import { readPlanVersionNumbers } from './store.ts'

/** By plan: how many tenants are on each of its versions, where there are any. */
export type TenantsOnVersions = ReadonlyMap<string, { version: number; tenants: number }[]>

/** @param counts tenants by the number of their plan version; who is on which is not known here */
export async function tenantsOnVersions(
  db: Queryable,
  counts: ReadonlyMap<number, number>,
): Promise<TenantsOnVersions> {
  const byPlan = new Map<string, { version: number; tenants: number }[]>()
  for (const { plan_version_no, plan, version } of await readPlanVersionNumbers(db)) {
    const tenants = counts.get(plan_version_no) ?? 0
    if (tenants > 0) byPlan.set(plan, [...(byPlan.get(plan) ?? []), { version, tenants }])
  }
  return byPlan
}
