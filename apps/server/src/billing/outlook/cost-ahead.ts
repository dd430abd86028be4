import type { PlanTerms } from '../../catalog/types.ts'
import { type Decimal, formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { ratePeriod } from '../invoices/rate-period.ts'
import { BOUGHT_CREDITS } from '../pricing/prepaid-credits.ts'
import type { Usage } from '../usage/tally.ts'
import { lasting, type Span } from '../usage/timeline.ts'
import type { MeasuredPeriod, MeasuredPeriods } from './measured-periods.ts'

/**
 * What the running period comes to if so many more units are used in it. The plan's other meters grow
 * with its units, as much for each as in this period and the one before; what does not add up (the
 * largest, the last, the different ones) stays as it is. Pure.
 * @returns null where a plan has no price in the tenant's currency
 */
export function costOfRunning(
  measured: MeasuredPeriods,
  now: number,
  moreUnits: number,
): string | null {
  const { spans, usage } = measured.periods.at(-1)!
  const more = moreUsage(measured, spans.at(-1)!.planVersionNo, moreUnits)
  const left = spansAfter(spans, now)
  const all = left.reduce((sum, { ms }) => sum + ms, 0)
  const parts = left.flatMap(({ span, ms }) =>
    more.map((row) => ({
      ...row,
      periodStart: span.period.start,
      planVersionNo: span.planVersionNo,
      trial: span.state === 'trial',
      quantity: shareOf(row.quantity, ms, all),
    })),
  )
  return rated(measured, spans, [...usage, ...parts])
}

/**
 * What so many units cost as one period of its own, from `from` to `to`, on the plan that runs. Pure.
 * @returns null as above
 */
export function costOfOnePeriod(
  measured: MeasuredPeriods,
  { from, to }: { from: number; to: number },
  units: number,
): string | null {
  const { planVersionNo, timeZone } = measured.periods.at(-1)!.spans.at(-1)!
  const period = { start: from, end: to }
  const span: Span = { from, fromSeq: 0, to, period, timeZone, planVersionNo, state: 'active' }
  const steady = measured.periods
    .at(-1)!
    .usage.filter(({ meter }) => !growing(measured.termsOf(planVersionNo)).has(meter))
    .filter((row) => row.planVersionNo === planVersionNo && row.meter !== BOUGHT_CREDITS)
  const rows = [...moreUsage(measured, planVersionNo, units), ...steady]
  const usage = rows.map((row) => ({ ...row, periodStart: from, planVersionNo, trial: false }))
  return rated(measured, [span], usage)
}

function rated(
  { termsOf, currency }: MeasuredPeriods,
  spans: readonly Span[],
  usage: readonly Usage[],
): string | null {
  const versions = [...spans, ...usage].map(({ planVersionNo }) => planVersionNo)
  if (!versions.every((version) => termsOf(version).prices.has(currency))) return null
  const lines = ratePeriod({ spans, usage: together(usage), termsOf, currency })
  const total = lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
  return formatMoney(total, currency)
}

/** What so many units are of each meter that adds up, by how the plan was used lately. */
function moreUsage(
  { periods, termsOf }: MeasuredPeriods,
  planVersionNo: number,
  moreUnits: number,
): Usage[] {
  const meters = growing(termsOf(planVersionNo))
  const lately = periods
    .slice(-2)
    .flatMap(({ usage }: MeasuredPeriod) => usage)
    .filter((row) => row.planVersionNo === planVersionNo && meters.has(row.meter))
  const units = lately
    .filter(({ meter }) => meter === 'units')
    .reduce((sum, { quantity }) => sum.add(quantity), NOTHING)
  const more = NOTHING.add(Math.max(0, moreUnits))
  if (units.lte(0)) return more.isZero() ? [] : [{ ...NO_UNITS, quantity: rounded(more) }]
  return lately.map((row) => ({ ...row, quantity: rounded(row.quantity.mul(more).div(units)) }))
}

const NO_UNITS: Usage = {
  periodStart: 0,
  planVersionNo: 0,
  trial: false,
  meter: 'units',
  region: '',
  feature: '',
  quantity: NOTHING,
  lastAt: null,
  firstSeq: 0,
  lastSeq: 0,
  entries: 0,
}

/** Meters whose quantities add up; credits that are bought are no use. */
function growing(terms: PlanTerms): Set<string> {
  const own = [...terms.prices.values()]
    .flatMap(({ charges }) =>
      charges.flatMap((charge) => ('meter' in charge ? [charge.meter] : [])),
    )
    .filter(({ definition }) => definition === null || ADDED_UP.has(definition.aggregation))
    .map(({ name }) => name)
  return new Set(['units', 'credits', 'overage_credits', ...own])
}
const ADDED_UP = new Set<string>(['sum', 'count'])

function spansAfter(spans: readonly Span[], now: number): { span: Span; ms: number }[] {
  return lasting(spans)
    .map((span) => ({ span, ms: span.to - Math.max(span.from, now) }))
    .filter(({ ms }) => ms > 0)
}

function shareOf(quantity: Decimal, ms: number, all: number): Decimal {
  return ms === all ? quantity : rounded(quantity.mul(ms).div(all))
}

/** One row for what is measured alike: tiers begin once. */
function together(usage: readonly Usage[]): Usage[] {
  const rows = new Map<string, Usage>()
  for (const row of usage) {
    const key = JSON.stringify([row.planVersionNo, row.trial, row.meter, row.region, row.feature])
    const before = rows.get(key)
    rows.set(key, before === undefined ? row : added(before, row))
  }
  return [...rows.values()]
}

function added(before: Usage, { quantity }: Usage): Usage {
  return { ...before, quantity: before.quantity.add(quantity) }
}

/** To a millionth, as quantities are. */
function rounded(quantity: Decimal): Decimal {
  return quantity.toDecimalPlaces(6)
}
