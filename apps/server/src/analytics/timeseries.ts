import type { Granularity, UsageDimension, UsageTimeseries } from '@tollgate/contract'
import { numberFromMicros } from '../lib/micros.ts'
import { invalidField } from '../lib/problem-error.ts'
import { USAGE_POINTS_MAX } from '../limits.ts'
import type { Subject, Verb } from './answer.ts'
import type { Stretch } from './calendar.ts'
import { OTHER } from './dimensions.ts'
import {
  type FilterQuery,
  filtersOf,
  isAboutSenders,
  namedProperty,
  onlyAspect,
} from './filters/filters.ts'
import { type NamedUsage, readSeriesUsage } from './filters/series-usage.ts'
import { datedRange } from './history.ts'
import { isFine, type RangeQuery } from './range.ts'
import { average } from './rates.ts'
import { requireCounted } from './readings/require-counted.ts'
import { NO_USAGE, sumOf, type Usage } from './readings/measures.ts'

export type TimeseriesQuery = RangeQuery &
  FilterQuery & {
    granularity: Granularity
    group_by?: UsageDimension | undefined
    property?: string | undefined
    values?: string | undefined
    series: number
  }
type Series = UsageTimeseries['series'][number]

/** One line for each value of a dimension, over the dates of a range. */
export const usageTimeseries: Verb<TimeseriesQuery, UsageTimeseries> = (subject, query) => {
  const { group_by: groupBy = null, values, granularity } = query
  const property = propertyOf(subject, query)
  if (values !== undefined && groupBy === null) {
    throw invalidField('values', 'goes with group_by')
  }
  const filters = filtersOf({ ...query, groupBy, property }, subject.catalog.usage)
  const { range, dates } = datedRange(subject, query)
  if (dates.length * query.series > USAGE_POINTS_MAX && groupBy !== null) {
    const message = `series times dates may be ${USAGE_POINTS_MAX}; ask for fewer`
    throw invalidField('series', message)
  }
  const counted = onlyAspect(groupBy, property, filters)?.property ?? null
  return {
    dependsOn: isAboutSenders(groupBy, filters)
      ? null
      : async () => {
          if (counted !== null && !isFine(granularity)) {
            await requireCounted(subject.source, counted)
          }
          return [range.from, range.to]
        },
    async read() {
      const asked = { groupBy, property, filters, series: query.series }
      const usages = await readSeriesUsage(subject, asked, { range, dates, granularity })
      return {
        period: { start: range.first, end: range.last, granularity },
        group_by: groupBy,
        ...(property === null ? {} : { property }),
        series:
          groupBy === null
            ? [seriesOf(null, usages, dates)]
            : seriesByValue(usages, dates, query.series),
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
  const field = properties.length === 0 ? 'group_by' : 'property'
  return namedProperty(field, property, properties)
}

/** Those with most calls by themselves; what is left is one more, so that they add up to all. */
function seriesByValue(
  usages: readonly NamedUsage[],
  dates: readonly Stretch[],
  max: number,
): Series[] {
  const byValue = [...Map.groupBy(usages, ({ value }) => value)]
    .map(([value, own]) => ({ value, own, calls: sumOf(own).calls }))
    .sort((a, b) => b.calls - a.calls || ((a.value ?? '') < (b.value ?? '') ? -1 : 1))
  const alone = byValue.filter(({ value }) => value !== OTHER).slice(0, max)
  const shown = new Set(alone.map(({ value }) => value))
  const rest = usages.filter(({ value }) => !shown.has(value))
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
