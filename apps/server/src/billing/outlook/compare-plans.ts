import type { NotComparedReason, PlanEstimate } from '@tollgate/contract'
import type { ChargeMeter } from '../../catalog/charge-types.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { type Decimal, formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type EstimatedQuantities, estimatePlans } from '../estimate.ts'
import type { Reading } from '../pricing/types.ts'
import type { TermsOf } from '../usage/measure.ts'
import { lasting } from '../usage/timeline.ts'
import type { MeasuredPeriod } from './measured-periods.ts'

export type ComparedPlan = {
  readonly terms: PlanTerms
  /** Of all periods, rounded as their bills would be. */
  readonly total: string
  readonly perMonth: string
  /** Why it would not have let so much through. */
  readonly problems: readonly PlanEstimate['problems'][number]['code'][]
}
export type PlanComparison = {
  /** Cheapest first. */
  readonly compared: readonly ComparedPlan[]
  readonly notCompared: readonly { terms: PlanTerms; reason: NotComparedReason }[]
}

/**
 * What plans would have asked for what was measured in some periods, by the rule that makes bills. The
 * log is not decided again, so a plan that measures something else, or counts otherwise, is not
 * compared. Pure.
 */
export function comparePlans(
  plans: readonly PlanTerms[],
  periods: readonly MeasuredPeriod[],
  termsOf: TermsOf,
  currency: string,
): PlanComparison {
  const reasons = plans.map((terms) => {
    return { terms, reason: whyNot(terms, periods, termsOf, currency) }
  })
  const comparable = reasons.filter(({ reason }) => reason === null).map(({ terms }) => terms)
  const estimates = periods.map((period) => {
    return estimatePlans(comparable, quantitiesOf(period), currency)
  })
  const compared = comparable.map((terms) => {
    const own = estimates.flatMap((all) => all.filter(({ plan }) => plan === terms.plan))
    const total = own.reduce((sum, one) => sum.add(parseExact(one.total)), NOTHING)
    const problems = own.flatMap((one) => one.problems.map(({ code }) => code))
    return { terms, sum: total, problems: [...new Set(problems)] }
  })
  compared.sort((a, b) => a.sum.cmp(b.sum) || (a.terms.plan < b.terms.plan ? -1 : 1))
  return {
    compared: compared.map(({ terms, sum, problems }) => {
      const total = formatMoney(sum, currency)
      return { terms, total, perMonth: perMonth(sum, periods.length, currency), problems }
    }),
    notCompared: reasons.flatMap(({ terms, reason }) => (reason === null ? [] : { terms, reason })),
  }
}

/** How much less one asks than another, on average over the periods; null: not less. */
export function savingPerMonth(
  dear: Pick<ComparedPlan, 'total'>,
  cheap: Pick<ComparedPlan, 'total'>,
  periods: number,
  currency: string,
): string | null {
  const saving = parseExact(dear.total).sub(parseExact(cheap.total))
  const rounded = perMonth(saving, periods, currency)
  return parseExact(rounded).gt(0) ? rounded : null
}

function perMonth(total: Decimal, periods: number, currency: string): string {
  return formatMoney(periods === 0 ? NOTHING : total.div(periods), currency)
}

/** Periods that are over and in which a subscription ran, the last `max` of them. */
export function wholePeriods(periods: readonly MeasuredPeriod[], max: number): MeasuredPeriod[] {
  return periods
    .slice(0, -1)
    .filter(({ spans }) => {
      return lasting(spans).some(({ state }) => state === 'active' || state === 'trial')
    })
    .slice(-max)
}

function whyNot(
  terms: PlanTerms,
  periods: readonly MeasuredPeriod[],
  termsOf: TermsOf,
  currency: string,
): NotComparedReason | null {
  const price = terms.prices.get(currency)
  if (price === undefined) return 'no_price_in_currency'
  const meters = price.charges.flatMap((charge) => ('meter' in charge ? [charge.meter] : []))
  for (const period of periods) {
    const held = heldIn(period).map(termsOf)
    if (held.some(({ counts }) => counts !== terms.counts)) return 'counts_differently'
    const fromCredits = held.every(({ credits }) => credits === 'required')
    if (terms.credits === 'required' && !fromCredits) return 'credits_not_measured'
    if (!meters.every((meter) => wasMeasured(meter, held))) return 'meter_not_measured'
  }
  return null
}

/** Versions that held, or by which something was measured. */
function heldIn({ spans, usage }: MeasuredPeriod): number[] {
  const versions = [...lasting(spans), ...usage].map(({ planVersionNo }) => planVersionNo)
  return [...new Set(versions)]
}

/** All through the period, and in the same way. What does not add up needs to be of one plan. */
function wasMeasured({ name, definition }: ChargeMeter, held: readonly PlanTerms[]): boolean {
  if (definition === null) return true
  const addsUp = definition.aggregation === 'sum' || definition.aggregation === 'count'
  if (!addsUp && held.length > 1) return false
  const text = JSON.stringify(definition)
  return held.every(({ prices }) =>
    [...prices.values()].some(({ charges }) =>
      charges.some((charge) => {
        return (
          'meter' in charge &&
          charge.meter.name === name &&
          JSON.stringify(charge.meter.definition) === text
        )
      }),
    ),
  )
}

/** Credits that the calls cost are those that were burned, and those that were owed beyond. */
function quantitiesOf({ usage }: MeasuredPeriod): EstimatedQuantities {
  const quantities = new Map<string, Reading[]>([
    ['units', []],
    ['credits', []],
  ])
  for (const { meter, region, feature, quantity } of usage) {
    const name = meter === 'overage_credits' ? 'credits' : meter
    const readings = quantities.get(name) ?? []
    readings.push({ group: { region, feature }, quantity })
    quantities.set(name, readings)
  }
  return quantities
}
