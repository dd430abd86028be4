import type { PlanProblem, Recommendation } from '@tollgate/contract'
import {
  type ComparedPlan,
  comparePlans,
  savingPerMonth,
} from '../../billing/outlook/compare-plans.ts'
import type { MeasuredPeriods } from '../../billing/outlook/measured-periods.ts'
import { endpointAllowed } from '../../catalog/endpoint-allowed.ts'
import { normalisePath } from '../../catalog/path.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { wireSecond } from '../../lib/wire-period.ts'
import { RECOMMEND_ENDPOINTS_MAX, RECOMMEND_SERVICES_MAX } from '../../limits.ts'
import type { Subject } from '../answer.ts'
import { dayAt, startOfDay } from '../calendar.ts'
import { OTHER } from '../dimensions.ts'
import { featuresLost } from '../gate.ts'
import type { UsageOf } from '../readings/measures.ts'
import { dailyReader } from '../readings/reader.ts'

/** What was called in the periods: of endpoints and services those with most calls. */
type Called = {
  calls: number
  premiumCalls: number
  pairs: readonly { service: string; endpoint: string }[]
}
/** A plan, what it would have asked, and all that speaks against it. */
type Choice = Omit<ComparedPlan, 'problems'> & { problems: PlanProblem[] }

/** A plan that had done the same for less, and one without premium that nobody needs. */
export async function recommendPlans(
  subject: Subject,
  measured: MeasuredPeriods,
): Promise<Recommendation[]> {
  const { currency, termsOf } = measured
  const { keptFrom } = subject
  // Of a period whose calls are deleted nobody knows what they needed of a plan.
  const periods = measured.periods.filter(
    ({ spans }) => keptFrom === null || spans[0]!.period.start >= keptFrom,
  )
  if (periods.length === 0) return []
  const { compared, notCompared } = comparePlans(plansFor(subject), periods, termsOf, currency)
  const called = await readCalled(subject, periods)
  const choices = compared.map((one) => ({ ...one, problems: problemsOf(one, called) }))
  const present = choices.find(({ terms }) => isPresent(subject, terms))
  if (present === undefined) return []
  const others = choices.filter((one) => one !== present && one.problems.length === 0)
  const head = (suggested: Choice) => {
    const saving = savingPerMonth(present, suggested, periods.length, currency)
    return saving === null
      ? null
      : {
          currency,
          plan: present.terms.plan,
          suggested_plan: suggested.terms.plan,
          saving_per_month: saving,
          periods: periods.map(({ spans }) => periodJson(spans[0]!.period)),
        }
  }
  const [cheapest] = others
  const cheaper = cheapest === undefined ? null : head(cheapest)
  const plain = others.find(({ terms }) => !terms.premium)
  const withoutPremium =
    plain === undefined || !present.terms.premium || called.premiumCalls > 0 ? null : head(plain)
  const { calls, premiumCalls: premium_calls } = called
  return [
    cheaper && {
      kind: 'cheaper_plan' as const,
      ...cheaper,
      plans: choices.map((one) => planJson(one, present)),
      not_compared: notCompared.map(({ terms, reason }) => ({ plan: terms.plan, reason })),
    },
    withoutPremium && { kind: 'unused_premium' as const, ...withoutPremium, calls, premium_calls },
  ].filter((one) => one !== null)
}

/** Those on offer that people may take by themselves, and the version that the tenant has. */
function plansFor({ catalog, terms }: Subject): PlanTerms[] {
  const offered = catalog.planNames().map((name) => catalog.latestPlan(name)!)
  return [...offered.filter(({ plan, selfService }) => selfService && plan !== terms.plan), terms]
}

function isPresent({ terms }: Subject, { planVersionNo }: PlanTerms): boolean {
  return planVersionNo === terms.planVersionNo
}

async function readCalled(
  { source, account, catalog }: Subject,
  periods: MeasuredPeriods['periods'],
): Promise<Called> {
  const [first, last] = [periods[0]!.spans[0]!.period, periods.at(-1)!.spans[0]!.period]
  const day = (at: number) => startOfDay(dayAt(at, account.timeZone), account.timeZone)
  const found = await dailyReader(source, [day(first.start), day(last.end)]).by([
    'total',
    'service',
    'endpoint',
  ])
  const services = most(found, 'service', RECOMMEND_SERVICES_MAX)
  const endpoints = most(found, 'endpoint', RECOMMEND_ENDPOINTS_MAX)
  const isPremium = (service: string, path: string) =>
    catalog.rules.services.get(service)?.endpoints.find((rule) => rule.matchesPath(path))?.premium
  const premium = endpoints.filter(({ value }) => {
    const path = normalisePath(value)
    return services.some((service) => isPremium(service.value, path) === true)
  })
  const callsOf = (usages: readonly UsageOf[]) => usages.reduce((sum, { calls }) => sum + calls, 0)
  return {
    calls: callsOf(found.filter(({ dimension }) => dimension === 'total')),
    premiumCalls: callsOf(premium),
    pairs: services.flatMap((service) =>
      endpoints.map((endpoint) => ({ service: service.value, endpoint: endpoint.value })),
    ),
  }
}

function most(found: readonly UsageOf[], dimension: string, max: number): UsageOf[] {
  return found
    .filter((one) => one.dimension === dimension && one.value !== OTHER && one.calls > 0)
    .sort((a, b) => b.calls - a.calls || (a.value < b.value ? -1 : 1))
    .slice(0, max)
}

/** Which service an endpoint was called of is not in the rollups: a plan must allow it for each. */
function problemsOf({ terms, problems }: ComparedPlan, { premiumCalls, pairs }: Called) {
  const found: PlanProblem[] = [...problems]
  if (premiumCalls > 0 && !terms.premium) found.push('premium_needed')
  if (!pairs.every(({ service, endpoint }) => endpointAllowed(terms, service, endpoint))) {
    found.push('endpoint_not_allowed')
  }
  return found
}

function planJson({ terms, total, perMonth, problems }: Choice, present: Choice) {
  return {
    plan: terms.plan,
    plan_version: terms.version,
    total,
    per_month: perMonth,
    fits: problems.length === 0,
    problems,
    features_lost: featuresLost(present.terms.features, terms.features),
  }
}

function periodJson({ start, end }: { start: number; end: number }) {
  return { start: wireSecond(start), end: wireSecond(end - 1_000) }
}
