import type { Granularity, UsageHistory } from '@tollgate/contract'
import { decodeCursor, encodeCursor } from '../lib/cursor.ts'
import type { Subject, Verb } from './answer.ts'
import { daysBegun, type Stretch } from './calendar.ts'
import { keptCountsOf } from './counts.ts'
import { conversionOf } from './formats.ts'
import { granularityNeed, historyNeed, requireFeature, requireKept } from './gate.ts'
import { datesOf, isFine, type Range, type RangeQuery, rangeOf } from './range.ts'
import { average, kilobytes, rounded, successRate } from './rates.ts'
import { readerOf } from './readings/reader.ts'
import { type CallsOf, NO_USAGE, sumOf, type Usage } from './readings/measures.ts'
import type { Percentiles } from './readings/percentiles.ts'

export type HistoryQuery = RangeQuery & {
  granularity: Granularity
  limit: number
  cursor?: string | undefined
}

const byType = keptCountsOf(conversionOf)

/** Every stretch of a range, also those in which nothing happened. */
export const usageHistory: Verb<HistoryQuery, UsageHistory> = (subject, query) => {
  const { range, dates } = datedRange(subject, query)
  const after = decodeCursor(query.cursor)
  return {
    dependsOn: [range.from, range.to, begunOf(range, subject.now)],
    async read() {
      const reader = await readerOf(subject.source, range, dates, query.granularity)
      const first = after === null ? 0 : dates.filter(({ start }) => start <= after).length
      const shown = dates.slice(first, first + query.limit)
      const page = reader.part(first, first + shown.length)
      const [totals, types, percentiles] = await Promise.all([
        reader.by(['total']),
        page.callsBy(['conversion']),
        page.percentiles('processing_time'),
      ])
      const totalOf = new Map(totals.map((total) => [total.place, total]))
      const more = first + shown.length < dates.length
      return {
        period: { start: range.first, end: range.last, granularity: query.granularity },
        data: shown.map(({ label }, place) => {
          const total = totalOf.get(first + place) ?? NO_USAGE
          return entryOf(label, total, types[place]!, percentiles[place]!)
        }),
        totals: totalsOf(range, sumOf(totals), subject.now),
        ...(more ? { next_cursor: encodeCursor(shown.at(-1)!.start) } : {}),
      }
    },
  }
}

/** What was asked for, in dates, if the plan has it and it is still there. */
export function datedRange(
  { account, terms, catalog, now, keptFrom, gated }: Subject,
  query: RangeQuery & { granularity: Granularity },
): { range: Range; dates: readonly Stretch[] } {
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

function totalsOf(range: Range, total: Usage, now: number): UsageHistory['totals'] {
  return {
    conversions: total.calls,
    success_rate: successRate(total),
    average_daily: Math.round(total.calls / begunOf(range, now)),
  }
}

function entryOf(
  date: string,
  total: Usage,
  types: readonly CallsOf[],
  times: Percentiles,
): UsageHistory['data'][number] {
  return {
    date,
    conversions: {
      total: total.calls,
      successful: total.calls - total.failed,
      failed: total.failed,
      by_type: byType(types),
    },
    performance: {
      average_processing_time_ms: average(total.ms, total.timed),
      p95_processing_time_ms: rounded(times.p95),
      average_file_size_kb: kilobytes(total.sized === 0 ? null : total.bytes / total.sized),
    },
  }
}
