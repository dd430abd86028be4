import type { PlanChangesReply, PlanReply, PlanVersionReply } from '@tollgate/contract'
import type { OfferedPlan } from './catalog.ts'
import type { CatalogDiff } from './catalog-diff.ts'
import type { PlanVersionRow } from './store.ts'
import { storedTerms } from './stored.ts'
import type { TenantsOnVersions } from './tenants-on-versions.ts'

/** A plan as everybody may see it: without where its calls may go and what its meters look at. */
export function planJson({ plan, version, definition }: OfferedPlan): PlanReply {
  const { endpoints, meters, ...told } = definition
  return { plan, version, ...told }
}

/** A version as operators see it. */
export function planVersionJson(
  row: PlanVersionRow & { created_at: number },
  more: { on_offer: boolean; tenants: number },
): PlanVersionReply {
  const { plan, version } = row
  const created_at = new Date(row.created_at).toISOString()
  return { plan, version, ...storedTerms(row), ...more, created_at }
}

export function planChangesJson(
  { plans }: CatalogDiff,
  tenants: TenantsOnVersions,
  dryRun: boolean,
): PlanChangesReply {
  return {
    dry_run: dryRun,
    plans: plans.map(({ plan, change, version, fields }) => {
      return { plan, change, version, fields, tenants: tenants.get(plan) ?? [] }
    }),
  }
}
