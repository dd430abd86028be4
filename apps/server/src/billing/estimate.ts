import type { PlanEstimate } from '@tollgate/contract'
import type { Charge, UsageCharge } from '../catalog/charge-types.ts'
import type { PlanPrice, PlanTerms } from '../catalog/types.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { type Decimal, decimalFromMicros, formatMoney, NOTHING, parseExact } from '../lib/money.ts'
import { boughtCreditsLine } from './pricing/prepaid-credits.ts'
import { rateCharges } from './pricing/rate-charges.ts'
import type { ChargeLine, Reading, Readings } from './pricing/types.ts'

/** By meter, for one whole period. `credits` is what the calls would cost in credits. */
export type EstimatedQuantities = ReadonlyMap<string, readonly Reading[]>

/**
 * What each plan would ask for the same usage, cheapest first, by the rule that makes bills. Plans
 * without a price in the currency are left out.
 */
export function estimatePlans(
  plans: readonly PlanTerms[],
  quantities: EstimatedQuantities,
  currency: string,
): PlanEstimate[] {
  return plans
    .flatMap((terms) => {
      const price = terms.prices.get(currency)
      return price === undefined ? [] : [estimatePlan(terms, price, quantities)]
    })
    .sort((a, b) => {
      return parseExact(a.total).cmp(parseExact(b.total)) || (a.plan < b.plan ? -1 : 1)
    })
}

/** Every meter that a plan may ask money for, or stop at. */
export function metersOf(plans: readonly PlanTerms[]): string[] {
  const charges = plans.flatMap(({ prices }) =>
    [...prices.values()].flatMap((each) => each.charges),
  )
  return [
    ...new Set(['units', 'credits', ...charges.filter(isUsage).map(({ meter }) => meter.name)]),
  ]
}

/** The currency that most plans have a price in; null: there is no plan. */
export function usualCurrency(plans: readonly PlanTerms[]): string | null {
  const counts = new Map<string, number>()
  for (const currency of plans.flatMap(({ prices }) => [...prices.keys()])) {
    counts.set(currency, (counts.get(currency) ?? 0) + 1)
  }
  const [usual] = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return usual?.[0] ?? null
}

function estimatePlan(
  terms: PlanTerms,
  price: PlanPrice,
  quantities: EstimatedQuantities,
): PlanEstimate {
  const asked = (meter: string) => sumOf(quantities.get(meter) ?? [])
  const missing = creditsToBuy(terms, asked('credits'))
  const bought = missing.isZero() ? null : boughtCreditsLine(price, missing)
  const usage = rateCharges({ price, readings: readingsOf(terms, price, quantities) })
  const lines = bought === null ? usage : [...usage, bought]
  const total = lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
  const problems = [
    ...quotaProblems(terms, asked('units')),
    ...creditProblems(price, missing, bought !== null),
  ]
  return {
    plan: terms.plan,
    plan_version: terms.version,
    description: terms.description,
    self_service: terms.selfService,
    fits: problems.length === 0,
    problems,
    included: includedIn(terms, price),
    assumed_zero: metersThatMatter(terms, price).filter((meter) => !quantities.has(meter)),
    lines: lines.map(estimateLine),
    total: formatMoney(total, price.currency),
  }
}

/** Only a plan that is paid from credits takes any, and who has bought enough owes none. */
function readingsOf(
  { credits }: PlanTerms,
  { charges }: PlanPrice,
  quantities: EstimatedQuantities,
): Readings {
  const burned = credits === 'required' ? (quantities.get('credits') ?? []) : []
  const meters = charges.filter(isUsage).map(({ meter }) => meter.name)
  return new Map<string, readonly Reading[]>([
    ...meters.map((meter) => [meter, quantities.get(meter) ?? []] as const),
    ['credits', burned],
    ['overage_credits', []],
  ])
}

/** What the calls need beyond the credits that the period begins with. */
function creditsToBuy({ credits, allowance }: PlanTerms, asked: Decimal): Decimal {
  if (credits !== 'required') return NOTHING
  const given = allowance === null ? NOTHING : decimalFromMicros(allowance.credits)
  return asked.gt(given) ? asked.sub(given) : NOTHING
}

function quotaProblems({ quota }: PlanTerms, asked: Decimal): PlanEstimate['problems'] {
  if (quota === null || quota.overage === 'charge') return []
  const limit = decimalFromMicros(quota.limit)
  if (asked.lte(limit)) return []
  const message = `The plan stops at ${limit.toFixed()} units a period; ${asked.toFixed()} are asked for`
  return [{ code: 'quota_exceeded', message }]
}

/** Without a price for credits nobody can say what those that are missing would cost. */
function creditProblems(
  { charges }: PlanPrice,
  missing: Decimal,
  sold: boolean,
): PlanEstimate['problems'] {
  const chargedAsUsage = charges.some(
    (charge) => isUsage(charge) && charge.meter.name === 'credits',
  )
  if (missing.isZero() || sold || chargedAsUsage) return []
  const message = `${missing.toFixed()} credits are needed beyond those included, and the plan has no price for them`
  return [{ code: 'credits_not_sold', message }]
}

function includedIn({ allowance }: PlanTerms, { charges }: PlanPrice): PlanEstimate['included'] {
  const usage = charges
    .filter(isUsage)
    .map(({ meter, included }) => ({
      meter: meter.name,
      quantity: Number(included),
      unit: meter.unit,
    }))
    .filter(({ quantity }) => quantity > 0)
  if (allowance === null) return usage
  const quantity = numberFromMicros(allowance.credits)
  return [...usage, { meter: 'credits', quantity, unit: 'credits' }]
}

/** A quantity of any of these could change what the plan costs, or whether it fits. */
function metersThatMatter({ quota, credits }: PlanTerms, { charges }: PlanPrice): string[] {
  const stops = quota?.overage === 'deny' ? ['units'] : []
  const usage = charges.filter(isUsage).map(({ meter }) => meter.name)
  const paidBy = credits === 'required' ? ['credits'] : []
  return [...new Set([...usage, ...stops, ...paidBy])]
}

function estimateLine(line: ChargeLine): PlanEstimate['lines'][number] {
  const { description, meter, unit, unit_price, amount, math } = line
  return { description, meter, quantity: Number(line.quantity), unit, unit_price, amount, math }
}

function isUsage(charge: Charge): charge is UsageCharge {
  return 'meter' in charge
}

function sumOf(readings: readonly Reading[]): Decimal {
  return readings.reduce((sum, { quantity }) => sum.add(quantity), NOTHING)
}
