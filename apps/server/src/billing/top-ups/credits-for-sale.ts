import type { Catalog } from '../../catalog/catalog.ts'
import { soldCredits } from '../../catalog/credit-price.ts'
import type { PlanPrice } from '../../catalog/types.ts'
import type { Queryable } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { billingCurrency } from '../currency.ts'

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
  const currency = await billingCurrency(db, catalog, tenantNo)
  const price = terms.prices.get(currency)
  if (price !== undefined && soldCredits(price) !== null) return price
  throw new ProblemError('credits_not_sold', {
    detail: `The plan ${terms.plan} has no price for credits in ${currency}.`,
  })
}
