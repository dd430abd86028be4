import type { Party } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import { readProfile } from '../profile/store.ts'
import { foldPage, foldUsage } from '../usage/fold.ts'
import { type WorkedOut, workOutInvoice } from './work-out.ts'

export type UpcomingDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock; seller: Party }

/** The invoice of the running period, from everything that was committed until now. */
export async function upcomingInvoice(
  { pool, catalog, clock, seller }: UpcomingDependencies,
  tenantNo: number,
): Promise<WorkedOut> {
  const { now } = await accountAt(pool, catalog, tenantNo, clock.now())
  await foldUsage({ pool, catalog }, tenantNo, now)
  return inTransaction(pool, async (db) => {
    const folded = await foldPage(db, catalog, tenantNo, now)
    const { period } = folded.spans.at(-1)!
    const profile = await readProfile(db, tenantNo)
    return workOutInvoice(db, folded, period, seller, profile)
  })
}
