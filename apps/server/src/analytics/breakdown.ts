import type { UsageBreakdown } from '@tollgate/contract'
import type { Subject, Verb } from './answer.ts'
import { countsOf, sortedCounts } from './counts.ts'
import { type FormatFamilies, formatFamilies, formatOf, outputNameOf } from './formats.ts'
import { historyNeed, requireFeature, requireKept } from './gate.ts'
import { type Range, type RangeQuery, rangeOf } from './range.ts'
import { share } from './rates.ts'
import type { CallsOf } from './readings/measures.ts'
import { wholeReader } from './readings/reader.ts'

/** Calls by the formats that went in, in families, and by those that came out. */
export const usageBreakdown: Verb<RangeQuery, UsageBreakdown> = (subject, query) => {
  const range = plainRange(subject, query)
  const families = formatFamilies(subject.catalog.usage)
  return {
    dependsOn: [range.from, range.to, families.mark],
    async read() {
      const reader = wholeReader(subject.source, range)
      const [usage] = await reader.callsBy(['file_type', 'output_format'])
      const of = (dimension: string) => usage!.filter((one) => one.dimension === dimension)
      return {
        period: range.month ?? `${range.first}/${range.last}`,
        breakdown: {
          by_format: byFormat(of('file_type'), families),
          by_output: countsOf(of('output_format'), (value) => outputNameOf(formatOf(value))),
        },
      }
    },
  }
}

/** A range in whole days, if the plan has it and it is still there. */
export function plainRange(
  { account, terms, catalog, now, keptFrom, gated }: Subject,
  query: RangeQuery,
): Range {
  const range = rangeOf(query, account.timeZone, now)
  if (gated) requireFeature(catalog, terms, historyNeed(range, account, now))
  requireKept(range, keptFrom)
  return range
}

function byFormat(
  usage: readonly CallsOf[],
  { familyOf, hasSubtypes }: FormatFamilies,
): UsageBreakdown['breakdown']['by_format'] {
  const families = sortedCounts(usage, (value) => familyOf(formatOf(value)))
  const all = families.reduce((sum, [, calls]) => sum + calls, 0)
  return Object.fromEntries(
    families.map(([family, conversions]) => {
      const own = usage.filter(({ value }) => familyOf(formatOf(value)) === family)
      const subtypes = hasSubtypes(family) ? { subtypes: countsOf(own, formatOf) } : {}
      return [family, { conversions, percentage: share(conversions, all), ...subtypes }]
    }),
  )
}
