import type { Catalog } from '../../catalog/catalog.ts'
import { soldCredits } from '../../catalog/credit-price.ts'
import type { PlanPrice, PlanTerms } from '../../catalog/types.ts'
import type { Queryable } from '../../db/pool.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { logOf } from '../../ledger/log.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { billingCurrency } from '../currency.ts'
import { spanAt, timelineOf } from '../usage/timeline.ts'

/**
 * At what price a tenant's plan sells credits now, in the currency in which the tenant is billed.
 * @throws ProblemError credits_not_sold, subscription_conflict for who is canceled
 */
export async function creditsForSale(
  db: Queryable,
  { catalog, clock }: { catalog: Catalog; clock: Clock },
  tenantNo: number,
): Promise<PlanPrice> {
  const { account, terms } = await accountAt(db, catalog, tenantNo, clock.now())
  if (account.subscription === 'canceled') {
    throw new ProblemError('subscription_conflict', { detail: 'The subscription is canceled.' })
  }
  return soldBy(db, catalog, tenantNo, terms)
}

/** At what price they were sold when a line of the tenant's log was written. */
export async function creditsSoldBy(
  db: Queryable,
  { catalog }: { catalog: Catalog },
  line: StoredEntry,
): Promise<PlanPrice> {
  const changes = await logOf(db, line.tenantNo).changes()
  const { planVersionNo } = spanAt(timelineOf(changes, line.recordedAt), line)
  return soldBy(db, catalog, line.tenantNo, await catalog.loadPlanVersion(planVersionNo))
}

async function soldBy(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  terms: PlanTerms,
): Promise<PlanPrice> {
  const currency = await billingCurrency(db, catalog, tenantNo)
  const price = terms.prices.get(currency)
  if (price !== undefined && soldCredits(price) !== null) return price
  throw new ProblemError('credits_not_sold', {
    detail: `The plan ${terms.plan} has no price for credits in ${currency}.`,
  })
}
