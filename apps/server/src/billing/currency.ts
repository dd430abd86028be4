import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import type { Queryable } from '../db/pool.ts'
import { logOf } from '../ledger/log.ts'
import { openingFrom } from '../ledger/open.ts'
import { invalidField } from '../lib/problem-error.ts'
import { readProfile } from './profile/store.ts'
import type { Profile } from './profile/types.ts'

/**
 * In what a tenant is billed: what its profile says, else the own currency of the plan that it began
 * with. Of the plan that it has now would change with the plan, and an invoice has one currency for all
 * the plans of its period.
 */
export function currencyOf(profile: Pick<Profile, 'currency'>, first: PlanTerms): string {
  return profile.currency ?? first.price.currency
}

export async function billingCurrency(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
): Promise<string> {
  const profile = await readProfile(db, tenantNo)
  const [opening] = await logOf(db, tenantNo).lines([1])
  const first = openingFrom(tenantNo, opening!).planVersionNo
  return currencyOf(profile, await catalog.loadPlanVersion(first))
}

/** @throws ProblemError for a plan that could not be billed in the tenant's currency */
export function checkPriced({ prices }: PlanTerms, currency: string): void {
  if (prices.has(currency)) return
  throw invalidField('plan', `this plan has no price in ${currency}, in which the tenant is billed`)
}
