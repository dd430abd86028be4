import type { Catalog } from '../../catalog/catalog.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import type { Caller } from '../../lib/caller.ts'
import { invalidField } from '../../lib/problem-error.ts'

/**
 * The newest version of a plan, for somebody who may take it: operators may give every plan on offer,
 * tenants take those that are for people to take by themselves, and keep the one that they have.
 * @throws ProblemError invalid_request
 */
export function planToTake(
  catalog: Catalog,
  plan: string,
  { tenant }: Pick<Caller, 'tenant'>,
  has: { readonly planVersionNo: number; readonly runs: boolean },
): PlanTerms {
  const mayTake = (terms: PlanTerms | null): terms is PlanTerms => {
    if (terms === null) return false
    if (tenant === null || terms.selfService) return true
    return has.runs && terms.planVersionNo === has.planVersionNo
  }
  const terms = catalog.latestPlan(plan)
  if (mayTake(terms)) return terms
  const open = catalog.planNames().filter((name) => mayTake(catalog.latestPlan(name)))
  throw invalidField('plan', `no plan of this name can be taken; there are ${open.join(', ')}`)
}
