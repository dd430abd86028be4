import type { Catalog } from '../catalog/catalog.ts'
import type { PlanTerms } from '../catalog/types.ts'
import type { Account } from './types.ts'

/** Brings the plans of accounts into memory: no account is decided on before this. */
export async function loadPlans(catalog: Catalog, accounts: readonly Account[]): Promise<void> {
  const versions = new Set(
    accounts.flatMap(({ planVersionNo, pending }) =>
      pending?.planVersionNo == null ? [planVersionNo] : [planVersionNo, pending.planVersionNo],
    ),
  )
  await Promise.all([...versions].map((version) => catalog.loadPlanVersion(version)))
}

/** The plan of an account that went through a lane of this node. */
export function planAtHand(
  catalog: Pick<Catalog, 'planVersion'>,
  planVersionNo: number,
): PlanTerms {
  const terms = catalog.planVersion(planVersionNo)
  if (terms === null) throw new Error(`plan version ${planVersionNo} is not at hand`)
  return terms
}
