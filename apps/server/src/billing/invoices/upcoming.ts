import type { Party } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import type { CreditUse } from '../customer-credit/credit-use.ts'
import { creditNow } from '../customer-credit/move-credit.ts'
import { readProfile } from '../profile/store.ts'
import { foldPage, foldUsage } from '../usage/fold.ts'
import { type WorkedOut, workOutInvoice } from './work-out.ts'

export type UpcomingDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock; seller: Party }

/** The invoice of the running period, from everything that was committed until now. */
export async function upcomingInvoice(
  { pool, catalog, clock, seller }: UpcomingDependencies,
  tenantNo: number,
): Promise<WorkedOut & { credit: CreditUse }> {
  const { now } = await accountAt(pool, catalog, tenantNo, clock.now())
  await foldUsage({ pool, catalog }, tenantNo, now)
  return inTransaction(pool, async (db) => {
    const folded = await foldPage(db, catalog, tenantNo, now)
    const { period } = folded.spans.at(-1)!
    const profile = await readProfile(db, tenantNo)
    const worked = await workOutInvoice(db, folded, period, seller, profile)
    const credit = await creditNow(db, tenantNo, worked.draft.totals.total)
    return { ...worked, credit }
  })
}
