import type { Granularity, UsageHistory } from '@tollgate/contract'
import { decodeCursor, encodeCursor } from '../lib/cursor.ts'
import type { Subject, Verb } from './answer.ts'
import { daysBegun, type Stretch } from './calendar.ts'
import { countsOf } from './counts.ts'
import { formatOf } from './formats.ts'
import { granularityNeed, historyNeed, requireFeature, requireKept } from './gate.ts'
import { datesOf, isFine, type Range, type RangeQuery, rangeOf } from './range.ts'
import { average, kilobytes, rounded, successRate } from './rates.ts'
import { readerOf } from './readings/reader.ts'
import type { Percentiles } from './readings/percentiles.ts'
import { sumOf, type UsageOf } from './readings/usage.ts'

export type HistoryQuery = RangeQuery & {
  granularity: Granularity
  limit: number
  cursor?: string | undefined
}

/** Every stretch of a range, also those in which nothing happened. */
export const usageHistory: Verb<HistoryQuery, UsageHistory> = (subject, query) => {
  const { range, dates } = datedRange(subject, query)
  const after = decodeCursor(query.cursor)
  return {
    dependsOn: [range.from, range.to, begunOf(range, subject.now)],
    async read() {
      const reader = await readerOf(subject.source, range, dates, query.granularity)
      const [usage, percentiles] = await Promise.all([
        reader.by(['total', 'conversion']),
        reader.percentiles('processing_time'),
      ])
      const places = dates.map(({ label }, place) => ({ label, place, usage: [] as UsageOf[] }))
      for (const one of usage) places[one.place]!.usage.push(one)
      const left = places.filter(({ place }) => after === null || dates[place]!.start > after)
      const shown = left.slice(0, query.limit)
      const more = left.length > shown.length
      const { granularity } = query
      return {
        period: { start: range.first, end: range.last, granularity },
        data: shown.map((one) => entryOf(one.label, one.usage, percentiles[one.place]!)),
        totals: totalsOf(range, usage, subject.now),
        ...(more ? { next_cursor: encodeCursor(dates[shown.at(-1)!.place]!.start) } : {}),
      }
    },
  }
}

/** What was asked for, in dates, if the plan has it and it is still there. */
export function datedRange(
  { account, terms, catalog, now, keptFrom, gated }: Subject,
  query: RangeQuery & { granularity: Granularity },
): { range: Range; dates: Stretch[] } {
  const { granularity } = query
  const range = rangeOf(query, account.timeZone, now, isFine(granularity))
  if (gated) {
    requireFeature(catalog, terms, granularityNeed(granularity))
    requireFeature(catalog, terms, historyNeed(range, account, now))
  }
  requireKept(range, keptFrom)
  return { range, dates: datesOf(range, granularity) }
}

/** The days that an average is over. */
function begunOf({ from, to, timeZone }: Range, now: number): number {
  return daysBegun(from, to, timeZone, now)
}

function totalsOf(range: Range, usage: readonly UsageOf[], now: number): UsageHistory['totals'] {
  const total = sumOf(usage.filter(({ dimension }) => dimension === 'total'))
  return {
    conversions: total.calls,
    success_rate: successRate(total),
    average_daily: Math.round(total.calls / begunOf(range, now)),
  }
}

function entryOf(
  date: string,
  usage: readonly UsageOf[],
  times: Percentiles,
): UsageHistory['data'][number] {
  const total = sumOf(usage.filter(({ dimension }) => dimension === 'total'))
  const types = usage.filter(({ dimension }) => dimension === 'conversion')
  return {
    date,
    conversions: {
      total: total.calls,
      successful: total.calls - total.failed,
      failed: total.failed,
      by_type: countsOf(types, (value) => formatOf(value)),
    },
    performance: {
      average_processing_time_ms: average(total.ms, total.timed),
      p95_processing_time_ms: rounded(times.p95),
      average_file_size_kb: kilobytes(total.sized === 0 ? null : total.bytes / total.sized),
    },
  }
}
