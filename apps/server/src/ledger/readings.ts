import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import type { Queryable } from '../db/pool.ts'
import { rollTo } from './account.ts'
import { readAccounts } from './store.ts'
import type { Account } from './types.ts'

/** A tenant's account as it stands at `now`, with its plan. Reads one row, however long the log. */
export async function accountAt(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  now: number,
): Promise<{ account: Account; terms: PlanTerms }> {
  const accounts = await accountsAt(db, catalog, [tenantNo], now)
  return accounts.get(tenantNo)!
}

export async function accountsAt(
  db: Queryable,
  catalog: Catalog,
  tenantNos: number[],
  now: number,
): Promise<Map<number, { account: Account; terms: PlanTerms }>> {
  const found = new Map<number, { account: Account; terms: PlanTerms }>()
  for (const stored of await readAccounts(db, tenantNos)) {
    const account = rollTo(stored, Math.max(now, stored.lastAt))
    found.set(stored.tenantNo, {
      account,
      terms: await catalog.loadPlanVersion(account.planVersionNo),
    })
  }
  return found
}
