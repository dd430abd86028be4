import type { Granularity } from '@tollgate/contract'
import { LRUCache } from 'lru-cache'
import { invalidField } from '../lib/problem-error.ts'
import { USAGE_DATES_MAX, USAGE_DATES_REMEMBERED_MAX } from '../limits.ts'
import { dayAt, type Stretch, startOfDay, stretchesOf } from './calendar.ts'

/** What is asked about: [from, to) in ms, and how the wire names it. */
export type Range = {
  from: number
  to: number
  timeZone: string
  /** First and last day, both in it. */
  first: string
  last: string
  /** As in 2025-01, if it is just that. */
  month: string | null
}

export type RangeQuery = {
  period?: string | undefined
  start_date?: string | undefined
  end_date?: string | undefined
}

/**
 * @param fine whether it may begin and end within a day
 * @throws ProblemError invalid_request
 */
export function rangeOf(query: RangeQuery, timeZone: string, now: number, fine = false): Range {
  const { period, start_date: start, end_date: end } = query
  if (period !== undefined && (start ?? end) !== undefined) {
    throw invalidField('period', 'either a period, or start_date and end_date')
  }
  if (start === undefined && end === undefined) {
    return periodRange(period ?? 'current_month', timeZone, now)
  }
  if (start === undefined) throw invalidField('start_date', 'goes with end_date')
  if (end === undefined) throw invalidField('end_date', 'goes with start_date')
  const from = boundary('start_date', start, timeZone, 0, fine)
  const to = boundary('end_date', end, timeZone, 1, fine)
  if (from >= to) throw invalidField('end_date', 'lies before start_date')
  return rangeBetween(from, to, timeZone)
}

function periodRange(period: string, timeZone: string, now: number): Range {
  const today = dayAt(now, timeZone)
  const tomorrow = today.add({ days: 1 })
  if (period === 'last_7_days') return daysRange(today.subtract({ days: 7 }), tomorrow, timeZone)
  if (period === 'last_30_days') return daysRange(today.subtract({ days: 30 }), tomorrow, timeZone)
  const first = firstOfMonth(period, today)
  return {
    ...daysRange(first, first.add({ months: 1 }), timeZone),
    month: first.toString().slice(0, 7),
  }
}

function firstOfMonth(period: string, today: Temporal.PlainDate): Temporal.PlainDate {
  const first = today.with({ day: 1 })
  if (period === 'current_month') return first
  if (period === 'last_month') return first.subtract({ months: 1 })
  return Temporal.PlainDate.from(`${period}-01`)
}

function daysRange(first: Temporal.PlainDate, end: Temporal.PlainDate, timeZone: string): Range {
  return rangeBetween(startOfDay(first, timeZone), startOfDay(end, timeZone), timeZone)
}

function rangeBetween(from: number, to: number, timeZone: string): Range {
  const first = dayAt(from, timeZone).toString()
  return { from, to, timeZone, first, last: dayAt(to - 1, timeZone).toString(), month: null }
}

const YEARS = { min: 2000, max: 2099 }

/** A day's beginning or, `days` later, its end; or the second that is named. */
function boundary(
  field: string,
  text: string,
  timeZone: string,
  days: number,
  fine: boolean,
): number {
  const isDay = text.length === 'YYYY-MM-DD'.length
  if (!isDay && !fine) {
    throw invalidField(field, 'a day as in 2025-01-31; times go with minutes and seconds alone')
  }
  const year = Number(text.slice(0, 4))
  if (year < YEARS.min || year > YEARS.max) {
    throw invalidField(field, `from ${YEARS.min} to ${YEARS.max}`)
  }
  if (!isDay) return Math.floor(Date.parse(text) / 1_000) * 1_000
  return startOfDay(Temporal.PlainDate.from(text).add({ days }), timeZone)
}

/** What few ranges are asked for, again and again: a thousand hours take milliseconds to be named. */
const known = new LRUCache<string, readonly Stretch[]>({
  maxSize: USAGE_DATES_REMEMBERED_MAX,
  sizeCalculation: ({ length }) => length,
})

/** @throws ProblemError invalid_request, for more than an answer may have */
export function datesOf(
  { from, to, timeZone }: Range,
  granularity: Granularity,
): readonly Stretch[] {
  const of = [from, to, granularity, timeZone].join(' ')
  const dates = known.get(of) ?? stretchesOf(from, to, granularity, timeZone, USAGE_DATES_MAX)
  if (dates !== null) {
    known.set(of, dates)
    return dates
  }
  const message = `at most ${USAGE_DATES_MAX} dates at a time; ask for a shorter range or coarser dates`
  throw invalidField('granularity', message)
}

export function isFine(granularity: Granularity): boolean {
  return granularity === 'minute' || granularity === 'second'
}
