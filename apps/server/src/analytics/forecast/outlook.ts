import type { UsageForecast } from '@tollgate/contract'
import { costOfOnePeriod, costOfRunning } from '../../billing/outlook/cost-ahead.ts'
import type { MeasuredPeriods } from '../../billing/outlook/measured-periods.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import { parseExact } from '../../lib/money.ts'
import { wireSecond } from '../../lib/wire-period.ts'
import type { Subject } from '../answer.ts'
import { round } from '../rates.ts'
import type { Usage } from '../readings/measures.ts'
import type { StretchAhead } from './days.ts'
import type { Expected, Forecast } from './forecast.ts'
import type { History } from './read-history.ts'
import type { PlansAhead } from './run-out.ts'

export const AHEAD_MS = 30 * 86_400_000

export type Measure = 'calls' | 'units' | 'credits'
/** All that is known of what comes. Null: nothing, or not for the asker. */
export type Outlook = {
  subject: Subject
  now: number
  history: History
  ahead: readonly StretchAhead[]
  plans: PlansAhead
  forecasts: Record<Measure, Forecast> | null
  measured: MeasuredPeriods | null
}

export function amountOf(usage: Usage, measure: Measure): number {
  return measure === 'calls' ? usage.calls : numberFromMicros(usage[measure])
}

/** Through a moment ahead: what lies in the day that it cuts goes by time. */
function throughAt(outlook: Outlook, measure: Measure, at: number): Expected | null {
  const { forecasts, ahead } = outlook
  if (forecasts === null) return null
  const { through } = forecasts[measure]
  const index = ahead.findIndex(({ to }) => to >= at)
  const { from, to } = ahead[index]!
  const part = (at - from) / (to - from)
  const [before, after] = [through[index - 1] ?? NOTHING_YET, through[index]!]
  const between = (name: keyof Expected) => before[name] + part * (after[name] - before[name])
  return { expected: between('expected'), low: between('low'), high: between('high') }
}

const NOTHING_YET: Expected = { expected: 0, low: 0, high: 0 }
const UNKNOWN = { expected: null, low: null, high: null }

function shown(measure: Measure, forecast: Expected | null, soFar = 0) {
  if (forecast === null) return UNKNOWN
  const decimals = measure === 'calls' ? 0 : 6
  const value = (name: keyof Expected) => round(soFar + forecast[name], decimals)
  return { expected: value('expected'), low: value('low'), high: value('high') }
}

export function periodEnd(outlook: Outlook): UsageForecast['period_end'] {
  const { subject, history, measured, now } = outlook
  const { period, counters } = subject.account
  const reading = (measure: Measure, soFar: number) => {
    return { so_far: soFar, ...shown(measure, throughAt(outlook, measure, period.end), soFar) }
  }
  const more = throughAt(outlook, 'units', period.end)
  const cost = (units: number) => {
    return costOfRunning(measured!, now, Math.min(units, quotaLeft(outlook, counters.used)))
  }
  const soFar = measured === null ? null : costOfRunning(measured, now, 0)
  return {
    start: wireSecond(period.start),
    end: wireSecond(period.end - 1_000),
    conversions: reading('calls', history.soFar.calls),
    units: reading('units', numberFromMicros(counters.used)),
    credits: reading('credits', numberFromMicros(counters.creditsBurned)),
    cost:
      soFar === null ? null : { currency: measured!.currency, so_far: soFar, ...costs(more, cost) },
  }
}

export function nextDays(outlook: Outlook): UsageForecast['next_30_days'] {
  const { now, measured } = outlook
  const period = { from: now, to: now + AHEAD_MS }
  const reading = (measure: Measure) => shown(measure, throughAt(outlook, measure, period.to))
  const cost = (units: number) => {
    return costOfOnePeriod(measured!, period, Math.min(units, quotaLeft(outlook, 0n)))
  }
  const known = measured !== null && cost(0) !== null
  return {
    start: wireSecond(period.from),
    end: wireSecond(period.to - 1_000),
    conversions: reading('calls'),
    units: reading('units'),
    credits: reading('credits'),
    cost: known
      ? { currency: measured.currency, ...costs(throughAt(outlook, 'units', period.to), cost) }
      : null,
  }
}

/** More may cost less, where a cheaper tier holds for all units: the interval is what there is of costs. */
function costs(units: Expected | null, cost: (units: number) => string | null) {
  if (units === null) return UNKNOWN
  const [expected, ...others] = [units.expected, units.low, units.high].map(
    (amount) => cost(amount)!,
  )
  const all = [expected!, ...others].sort((a, b) => parseExact(a).cmp(parseExact(b)))
  return { expected: expected!, low: all[0]!, high: all.at(-1)! }
}

/** What goes beyond a quota that stops is denied, and costs nothing. */
function quotaLeft({ subject }: Outlook, used: bigint): number {
  const { quota } = subject.terms
  if (quota === null || quota.overage === 'charge') return Number.POSITIVE_INFINITY
  return Math.max(0, numberFromMicros(quota.limit - used))
}
