import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import type { Clock } from '../../lib/clock.ts'
import { storedKey } from '../../lib/idempotency.ts'
import { lockSubscriber } from '../subscription/store.ts'
import { creditsForSale } from './credits-for-sale.ts'

/**
 * Gives credits that an operator puts on the bill, while the plan stays one that sells them. A retry is not
 * asked about the plan: it gets its first answer, or a conflict if the key stands for something else.
 * @param key of the request, as it was sent
 * @throws ProblemError credits_not_sold, subscription_conflict
 */
export async function whileCreditsSold<T>(
  deps: { pool: pg.Pool; catalog: Catalog; clock: Clock },
  tenantNo: number,
  key: string | undefined,
  give: () => Promise<T>,
): Promise<T> {
  return inTransaction(deps.pool, async (db) => {
    await lockSubscriber(db, tenantNo)
    const first = key === undefined ? null : await logOf(db, tenantNo).under(storedKey(key))
    if (first === null) await creditsForSale(db, deps, tenantNo)
    return give()
  })
}
