import type { Granularity, PlanFeature } from '@tollgate/contract'
import type { Catalog } from '../catalog/catalog.ts'
import type { PlanFeatures, PlanTerms } from '../catalog/types.ts'
import type { Account } from '../ledger/types.ts'
import type { Caller } from '../lib/caller.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { dayAt, startOfDay } from './calendar.ts'
import type { Range } from './range.ts'

/** What an answer needs of a plan. */
type Need = { feature: PlanFeature; has: (features: PlanFeatures) => boolean }

const FEATURES = {
  performance: { feature: 'performance', has: (features) => features.performance },
  realtime: { feature: 'realtime', has: (features) => features.realtime },
  export: { feature: 'export', has: (features) => features.export },
  alerts: { feature: 'alerts', has: (features) => features.alerts },
} as const satisfies Record<string, Need>

export function needOf(feature: keyof typeof FEATURES): Need {
  return FEATURES[feature]
}

/** A plan binds the tenant and the services that speak for it, not those who operate Tollgate. */
export function isGated({ tenant, credential }: Caller): boolean {
  return tenant !== null || credential === 'service_key'
}

/** Days, weeks and months every plan has; minutes are for those that have seconds. */
export function granularityNeed(granularity: Granularity): Need | null {
  if (granularity === 'hourly') {
    return { feature: 'hourly_granularity', has: (features) => features.granularity !== 'daily' }
  }
  if (granularity !== 'minute' && granularity !== 'second') return null
  return { feature: 'second_granularity', has: (features) => features.granularity === 'second' }
}

/**
 * The running month, and the running period where that began earlier, every plan may read; and as many
 * whole months before as it keeps.
 */
export function historyNeed(
  { from, timeZone }: Pick<Range, 'from' | 'timeZone'>,
  account: Account,
  now: number,
): Need {
  const has = (features: PlanFeatures) =>
    from >= readableFrom({ ...account, timeZone }, now, features)
  return { feature: 'history', has }
}

/** Since when calls may be read, ms. What is older is deleted some day. */
export function readableFrom(
  { period, timeZone }: Pick<Account, 'period' | 'timeZone'>,
  now: number,
  { retentionMonths }: PlanFeatures,
): number {
  if (retentionMonths === null) return Number.NEGATIVE_INFINITY
  const month = dayAt(now, timeZone).with({ day: 1 })
  const running = dayAt(Math.min(startOfDay(month, timeZone), period.start), timeZone)
  return startOfDay(running.subtract({ months: retentionMonths }), timeZone)
}

/** What one plan has and another has not. */
export function featuresLost(from: PlanFeatures, to: PlanFeatures): string[] {
  const needs = [granularityNeed('hourly')!, granularityNeed('second')!, ...Object.values(FEATURES)]
  const lost = needs.filter(({ has }) => has(from) && !has(to)).map(({ feature }) => feature)
  const months = (features: PlanFeatures) => features.retentionMonths ?? Number.POSITIVE_INFINITY
  const history = months(to) < months(from) ? ['history'] : []
  return [...lost, ...history]
}

/**
 * What is deleted stays deleted, also for who has a better plan since, or operates Tollgate.
 * @param keptFrom from when on everything is there, ms; null: nothing was deleted
 * @throws ProblemError past_retention
 */
export function requireKept({ from, timeZone }: Range, keptFrom: number | null): void {
  if (keptFrom === null || from >= keptFrom) return
  const detail = `Everything is kept from ${dayAt(keptFrom, timeZone)} on; the range begins before.`
  throw new ProblemError('past_retention', { detail })
}

/** @throws ProblemError plan_feature_required, with the cheapest plan on offer that has it */
export function requireFeature(catalog: Catalog, terms: PlanTerms, need: Need | null): void {
  if (need === null || need.has(terms.features)) return
  const plan = cheapestWith(catalog, need)
  const detail =
    plan === null ? 'No plan on offer has it.' : `The plan ${plan} has it; ${terms.plan} does not.`
  throw new ProblemError('plan_feature_required', {
    detail,
    lacking: { feature: need.feature, plan },
  })
}

/**
 * By what a month costs before anything is used. What nobody can take by themselves, or what has to be
 * paid ahead, is named only where no other plan has the feature.
 */
function cheapestWith(catalog: Catalog, { has }: Need): string | null {
  const plans = catalog
    .planNames()
    .map((name) => catalog.latestPlan(name)!)
    .filter(({ features }) => has(features))
    .map((terms) => ({ terms, rank: rankOf(terms), fees: feesOf(terms) }))
    .sort((a, b) => a.rank - b.rank || a.fees - b.fees || (a.terms.plan < b.terms.plan ? -1 : 1))
  return plans[0]?.terms.plan ?? null
}

function rankOf({ selfService, credits }: PlanTerms): number {
  if (!selfService) return 2
  return credits === 'required' ? 1 : 0
}

/** To put plans in order, so a float will do. */
function feesOf({ price }: PlanTerms): number {
  const fees = price.charges.map((charge) => (charge.model === 'flat' ? Number(charge.amount) : 0))
  return fees.reduce((sum, fee) => sum + fee, 0)
}
