import type { Timing } from '../../catalog/charge-types.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import { BOUGHT_CREDITS, boughtCreditsLine } from '../pricing/prepaid-credits.ts'
import { rateCharges } from '../pricing/rate-charges.ts'
import type { ChargeLine, PartOfPeriod, Readings } from '../pricing/types.ts'
import type { TermsOf } from '../usage/measure.ts'
import { meterNames } from '../usage/meters.ts'
import type { Usage } from '../usage/tally.ts'
import { lasting, type Span } from '../usage/timeline.ts'

/** A line of a period's bill, with where it comes from. */
export type PeriodLine = ChargeLine & {
  /** The same line of the same period has the same key, however often it is worked out. */
  readonly key: string
  readonly plan: string
  readonly planVersion: number
  readonly planVersionNo: number
  /** Which part of the period it is for, ms; null: all of it. */
  readonly stretch: Stretch | null
  /** The lines of the log that were measured; null: none are needed, or there were none. */
  readonly entries: { firstSeq: number; lastSeq: number; count: number } | null
}

export type PeriodToRate = {
  /** Those of the period, in order. */
  spans: readonly Span[]
  usage: readonly Usage[]
  termsOf: TermsOf
  currency: string
}

/**
 * What a period costs: for each plan that held in it the fees of each stretch, prorated to the
 * millisecond, then what was measured while it held, all stretches of a plan together. A trial is free.
 * Pure.
 * @throws ProblemError where a plan has no price in the currency
 */
export function ratePeriod({ spans, usage, termsOf, currency }: PeriodToRate): PeriodLine[] {
  const versions = [...new Set(spans.map(({ planVersionNo }) => planVersionNo))]
  const usedBesides = usage
    .map(({ planVersionNo }) => planVersionNo)
    .filter((version) => !versions.includes(version))
  return [...versions, ...new Set(usedBesides)].flatMap((version) =>
    planLines({
      spans: lasting(spans).filter(
        (span) => span.planVersionNo === version && span.state !== 'trial',
      ),
      usage: usage.filter((row) => row.planVersionNo === version && isCharged(row)),
      period: spans[0]!.period,
      terms: termsOf(version),
      currency,
    }),
  )
}

/** What is bought is no use, and so not what a trial is free for. */
function isCharged({ trial, meter }: Usage): boolean {
  return !trial || meter === BOUGHT_CREDITS
}

type PlanToRate = {
  spans: readonly Span[]
  usage: readonly Usage[]
  period: Span['period']
  terms: PlanTerms
  currency: string
}

function planLines({ spans, usage, period, terms, currency }: PlanToRate): PeriodLine[] {
  // Else who left would be sent an invoice of nothing for each month to come.
  const isOver = spans.every(({ state }) => state === 'canceled')
  if (isOver && usage.length === 0) return []
  const price = terms.prices.get(currency)
  if (price === undefined) throw noPrice(terms, currency)
  const readings = readingsOf(usage, terms)
  const whole = period.end - period.start
  const line = (of: ChargeLine, stretch: PeriodLine['stretch']): PeriodLine => {
    const { plan, version: planVersion, planVersionNo } = terms
    const key = keyOf(planVersionNo, of, stretch)
    return { ...of, key, plan, planVersion, planVersionNo, stretch, entries: entriesOf(usage, of) }
  }

  const feesOf = (only: Timing, owed: readonly Stretch[]) =>
    owed.flatMap(({ from, to }) => {
      const all = from === period.start && to === period.end
      const part = { from_ms: from - period.start, to_ms: to - period.start, whole_ms: whole }
      const lines = rateCharges({ price, readings, part: all ? null : part, only })
      return lines.map((fee) => line(fee, all ? null : { from, to }))
    })
  const active = spans.filter(({ state }) => state === 'active')
  const fees = [...feesOf('in_advance', owedInAdvance(spans)), ...feesOf('in_arrears', active)]
  const length = active.reduce((sum, { from, to }) => sum + to - from, 0)
  const part: PartOfPeriod = { from_ms: 0, to_ms: length, whole_ms: whole }
  const stretch = stretchOf(active, length === whole)
  const measured = rateCharges({
    price,
    readings,
    part: length === whole ? null : part,
    only: 'usage',
  }).map((of) => line(of, stretch))
  const [bought] = readings.get(BOUGHT_CREDITS)!
  const credits = bought === undefined ? null : boughtCreditsLine(price, bought.quantity)
  return [...fees, ...measured, ...(credits === null ? [] : [line(credits, stretch)])]
}

function keyOf(planVersionNo: number, of: ChargeLine, stretch: PeriodLine['stretch']): string {
  return JSON.stringify([planVersionNo, of.charge, of.description, stretch?.from ?? null])
}

/** Which charge of which plan version a line is of, by its key. */
export function chargeOfKey(key: string): { planVersionNo: number; charge: number } {
  const [planVersionNo, charge] = JSON.parse(key) as [number, number]
  return { planVersionNo, charge }
}

type Stretch = { from: number; to: number }

/**
 * A fee in advance is owed from when the plan is active to the end of the period, unless another plan
 * takes its place: who pauses or ends in between has paid for it, and who resumes does not pay twice.
 */
function owedInAdvance(spans: readonly Span[]): Stretch[] {
  const owed: Stretch[] = []
  for (const { from, to, state } of spans) {
    const before = owed.at(-1)
    if (before?.to === from) owed[owed.length - 1] = { from: before.from, to }
    else if (state === 'active') owed.push({ from, to })
  }
  return owed
}

function stretchOf(spans: readonly Span[], isWhole: boolean): PeriodLine['stretch'] {
  const [first, last] = [spans[0], spans.at(-1)]
  if (isWhole || first === undefined || last === undefined) return null
  return { from: first.from, to: last.to }
}

/** Every meter of the plan, also without usage: rating asks for all of them. */
function readingsOf(usage: readonly Usage[], terms: PlanTerms): Readings {
  return new Map(
    meterNames(terms).map((name) => [
      name,
      usage
        .filter(({ meter }) => meter === name)
        .map(({ region, feature, quantity }) => ({ group: { region, feature }, quantity })),
    ]),
  )
}

function entriesOf(usage: readonly Usage[], { meter }: ChargeLine) {
  const rows = usage.filter((row) => row.meter === meter)
  if (rows.length === 0) return null
  return {
    firstSeq: Math.min(...rows.map(({ firstSeq }) => firstSeq)),
    lastSeq: Math.max(...rows.map(({ lastSeq }) => lastSeq)),
    count: rows.reduce((sum, { entries }) => sum + entries, 0),
  }
}

function noPrice({ plan, prices }: PlanTerms, currency: string): ProblemError {
  const there = [...prices.keys()].join(', ')
  return new ProblemError('subscription_conflict', {
    detail: `The plan ${plan} has no price in ${currency}; it has one in ${there}.`,
  })
}
