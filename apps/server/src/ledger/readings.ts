import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import type { Queryable } from '../db/pool.ts'
import { lapse, rollTo } from './lapse.ts'
import { readAccounts } from './store.ts'
import { planVersionAt, timeOf } from './subscription.ts'
import type { Account } from './types.ts'

/** `now` is the account's own: the clock's, or that of a tenant on a test clock. */
export type AccountNow = { account: Account; terms: PlanTerms; now: number }

/** A tenant's account as it stands at `now`, with its plan. Reads one row, however long the log. */
export async function accountAt(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  now: number,
): Promise<AccountNow> {
  const accounts = await accountsAt(db, catalog, [tenantNo], now)
  return accounts.get(tenantNo)!
}

export async function accountsAt(
  db: Queryable,
  catalog: Catalog,
  tenantNos: number[],
  now: number,
): Promise<Map<number, AccountNow>> {
  const found = new Map<number, AccountNow>()
  for (const stored of await readAccounts(db, tenantNos)) {
    const at = timeOf(stored, now)
    const terms = await catalog.loadPlanVersion(planVersionAt(stored, at))
    found.set(stored.tenantNo, { account: rollTo(stored, terms, at), terms, now: at })
  }
  return found
}

/** Whether time did something that no line says yet: credits that came or went. */
export async function hasLapsed(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  now: number,
): Promise<boolean> {
  const [account] = await readAccounts(db, [tenantNo])
  if (account === undefined) return false
  const at = timeOf(account, now)
  const terms = await catalog.loadPlanVersion(planVersionAt(account, at))
  return lapse(account, terms, at).lines.length > 0
}
