import type { Granularity, UsageDimension, UsageTimeseries } from '@tollgate/contract'
import { numberFromMicros } from '../lib/micros.ts'
import { invalidField } from '../lib/problem-error.ts'
import { USAGE_POINTS_MAX } from '../limits.ts'
import type { Subject, Verb } from './answer.ts'
import type { Stretch } from './calendar.ts'
import { type Dimension, OTHER } from './dimensions.ts'
import { datedRange } from './history.ts'
import { isFine, type RangeQuery } from './range.ts'
import { average } from './rates.ts'
import { readerOf } from './readings/reader.ts'
import { requireCounted } from './readings/require-counted.ts'
import { NO_USAGE, sumOf, type Usage, type UsageOf } from './readings/measures.ts'

export type TimeseriesQuery = RangeQuery & {
  granularity: Granularity
  group_by?: UsageDimension | undefined
  property?: string | undefined
  values?: string | undefined
  series: number
}
type Series = UsageTimeseries['series'][number]
/** Null: of who has no team. */
type NamedUsage = Usage & { place: number; value: string | null }

/** One line for each value of a dimension, over the dates of a range. */
export const usageTimeseries: Verb<TimeseriesQuery, UsageTimeseries> = (subject, query) => {
  const { group_by: groupBy = null, values, granularity } = query
  const property = propertyOf(subject, query)
  if (values !== undefined && groupBy === null) {
    throw invalidField('values', 'goes with group_by')
  }
  const { range, dates } = datedRange(subject, query)
  if (dates.length * query.series > USAGE_POINTS_MAX && groupBy !== null) {
    const message = `series times dates may be ${USAGE_POINTS_MAX}; ask for fewer`
    throw invalidField('series', message)
  }
  const isOfSenders = groupBy === 'key' || groupBy === 'team'
  return {
    dependsOn: isOfSenders
      ? null
      : async () => {
          if (property !== null && !isFine(granularity)) {
            await requireCounted(subject.source, property)
          }
          return [range.from, range.to]
        },
    async read() {
      const reader = await readerOf(subject.source, range, dates, granularity)
      const usages = property === null ? reader.by([readBy(groupBy)]) : reader.byProperty(property)
      const found = (await usages).filter(counted)
      const named = isOfSenders ? await nameSenders(subject, found, groupBy) : found
      return {
        period: { start: range.first, end: range.last, granularity },
        group_by: groupBy,
        ...(property === null ? {} : { property }),
        series:
          groupBy === null
            ? [seriesOf(null, named, dates)]
            : seriesByValue(named, dates, values?.split(',') ?? null, query.series),
      }
    },
  }
}

/** @returns null: nothing is asked by a property */
function propertyOf({ catalog }: Subject, query: TimeseriesQuery): string | null {
  const { group_by: groupBy, property } = query
  if (groupBy !== 'property') {
    if (property !== undefined) throw invalidField('property', 'goes with group_by=property')
    return null
  }
  const { properties } = catalog.usage
  if (properties.length === 0) {
    throw invalidField('group_by', 'no properties are counted: the catalog names none')
  }
  if (property === undefined || !properties.includes(property)) {
    throw invalidField('property', `one of ${properties.join(', ')}`)
  }
  return property
}

function counted({ calls, denied }: Usage): boolean {
  return calls !== 0 || denied !== 0
}

/** Teams are not in the log: they are those of the keys. */
function readBy(groupBy: UsageDimension | null): Dimension {
  return groupBy === 'team' ? 'key' : (groupBy ?? 'total')
}

/** Keys and people by what they are called, or by their team; whoever is beyond a bound is not known. */
async function nameSenders(
  { senderNames }: Subject,
  usages: readonly UsageOf[],
  groupBy: 'key' | 'team',
): Promise<NamedUsage[]> {
  const senderNos = [...new Set(usages.map(({ value }) => Number(value)))].filter(Number.isInteger)
  const names = await senderNames(senderNos)
  return usages.map((usage) => {
    if (usage.value === OTHER) return usage
    const name = names.get(Number(usage.value))
    const value = groupBy === 'key' ? (name?.id ?? usage.value) : (name?.team ?? null)
    return { ...usage, value }
  })
}

/** Those with most calls by themselves; what is left is one more, so that they add up to all. */
function seriesByValue(
  usages: readonly NamedUsage[],
  dates: readonly Stretch[],
  values: readonly string[] | null,
  max: number,
): Series[] {
  const wanted = usages.filter(
    ({ value }) => values === null || (value !== null && values.includes(value)),
  )
  const byValue = [...Map.groupBy(wanted, ({ value }) => value)]
    .map(([value, own]) => ({ value, own, calls: sumOf(own).calls }))
    .sort((a, b) => b.calls - a.calls || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
  const alone = byValue.filter(({ value }) => value !== OTHER).slice(0, max)
  const shown = new Set(alone.map(({ value }) => value))
  const rest = wanted.filter(({ value }) => !shown.has(value))
  const series = alone.map(({ value, own }) => seriesOf(value, own, dates))
  return rest.length === 0 ? series : [...series, seriesOf(OTHER, rest, dates)]
}

function seriesOf(
  value: string | null,
  usages: readonly NamedUsage[],
  dates: readonly Stretch[],
): Series {
  const byPlace = Map.groupBy(usages, ({ place }) => place)
  return {
    value,
    total: sumOf(usages).calls,
    data: dates.map(({ label }, place) => pointOf(label, sumOf(byPlace.get(place) ?? [NO_USAGE]))),
  }
}

function pointOf(date: string, usage: Usage): Series['data'][number] {
  const { calls, failed, denied, units, credits, bytes, ms, timed } = usage
  return {
    date,
    total: calls,
    successful: calls - failed,
    failed,
    denied,
    units: numberFromMicros(units),
    credits: numberFromMicros(credits),
    bytes,
    average_processing_time_ms: average(ms, timed),
  }
}
