import type { Catalog } from '../catalog/catalog.ts'
import type { Queryable } from '../db/pool.ts'
import { commandOf } from './command-of.ts'
import { decide } from './decide.ts'
import type { StoredEntry } from './entry-row.ts'
import { rollTo } from './lapse.ts'
import { refused } from './refusals.ts'
import { readAccounts } from './store.ts'
import { planVersionAt, timeOf } from './subscription.ts'
import type { Account, AccountChange, Micros } from './types.ts'

export type ChangeAsIf = {
  /** As the change would leave it. */
  readonly account: Account
  /** The line that it would write. */
  readonly entry: StoredEntry
  /** Credits that come with it: in its line, and in that of a period's allowance which it lets begin. */
  readonly allowance: Micros
}

/**
 * What a change would do to an account at `clockNow`, by the rule that would do it. Writes nothing.
 * @throws ProblemError where it would be refused
 */
export async function changeAsIf(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  change: AccountChange,
  clockNow: number,
): Promise<ChangeAsIf> {
  const [stored] = await readAccounts(db, [tenantNo])
  const now = timeOf(stored!, clockNow)
  const terms = await catalog.loadPlanVersion(planVersionAt(stored!, now))
  // The allowance of a plan that begins is what it gives more than the one before.
  await catalog.loadPlanVersion(change.planVersionNo ?? stored!.planVersionNo)
  await catalog.loadPlanVersion(stored!.planVersionNo)
  const command = commandOf({ kind: 'change', change }, null, stored!, catalog, now)
  const { account, entries, refusal } = decide(stored!, command, terms, clockNow)
  if (refusal !== null) throw refused(refusal)
  const entry = entries.at(-1)!
  const next = await catalog.loadPlanVersion(account.planVersionNo)
  const begun = rollTo(account, next, now).balance - account.balance
  return {
    account,
    entry: { ...entry, tenantNo, senderNo: null },
    allowance: entry.credits + begun,
  }
}
