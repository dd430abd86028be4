import assert from 'node:assert/strict'
import { USAGE_DIMENSIONS, USAGE_FILTERS } from '@tollgate/contract'
import fc from 'fast-check'
import type { TestNode } from './node.ts'
import { countedNaively, type LoggedCall, usageOf } from './usage-model.ts'

const GRANULARITIES = ['monthly', 'weekly', 'daily', 'hourly', 'minute'] as const
const VALUES_CHARS_MAX = 800

/** By which values is said by numbers: which they are depends on the calls that there are. */
export const filtered = fc.record({
  groupBy: fc.constantFrom(undefined, ...USAGE_DIMENSIONS),
  granularity: fc.constantFrom(...GRANULARITIES),
  days: fc.nat(20),
  filters: fc.uniqueArray(
    fc.record({
      by: fc.constantFrom(...USAGE_FILTERS, 'property' as const),
      picks: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
      property: fc.nat(),
      strange: fc.boolean(),
    }),
    { maxLength: 3, selector: ({ by }) => by },
  ),
  property: fc.nat(),
})
export type Filtered = typeof filtered extends fc.Arbitrary<infer T> ? T : never
type Tenant = { node: TestNode; key: string; zone: string; now: number }
type ValueOf = (call: LoggedCall) => string | null

/** What is shown of calls that filters let through is what is counted of them one by one. */
export async function compareFiltered(
  { node, key, zone, now }: Tenant,
  calls: readonly LoggedCall[],
  asked: Filtered,
): Promise<void> {
  const names = node.server.catalog.usage.properties
  if (asked.groupBy === 'property' && names.length === 0) return
  const { granularity } = asked
  const last = Temporal.Instant.fromEpochMilliseconds(now).toZonedDateTimeISO(zone).toPlainDate()
  const first = last.subtract({ days: granularity === 'minute' ? asked.days % 2 : asked.days })
  const from = first.toZonedDateTime(zone).epochMilliseconds
  const query = new URLSearchParams({
    ...{ start_date: String(first), end_date: String(last), granularity, series: '4' },
  })
  const property = names[asked.property % Math.max(names.length, 1)] ?? ''
  if (asked.groupBy !== undefined) query.set('group_by', asked.groupBy)
  if (asked.groupBy === 'property') query.set('property', property)
  let own = calls.filter(({ at }) => at >= from)
  for (const { by, picks, strange, property: which } of asked.filters) {
    const name = names[which % Math.max(names.length, 1)]
    if (by === 'property' && name === undefined) continue
    const valueIn = valueBy(by, name ?? '')
    const wanted = picked(calls, valueIn, picks, strange)
    const text = by === 'property' ? wanted.map((value) => `${name}=${value}`) : wanted
    if (text.join(',').length > VALUES_CHARS_MAX || text.join(',') === '') continue
    query.set(by === 'property' ? 'properties' : by, text.join(','))
    own = own.filter((call) => wanted.includes(valueIn(call)!))
  }
  const { series } = await usageOf(node, key, `timeseries?${query}`)
  compareSeries(series, own, asked.groupBy && valueBy(asked.groupBy, property), String(query))
}

function valueBy(by: string, property: string): ValueOf {
  if (by === 'team') return () => null
  if (by !== 'property') return ({ values }) => values[by] ?? null
  return ({ properties }) => (Object.hasOwn(properties, property) ? properties[property]! : null)
}

/** Of the values that there are some that can be written in a list; and one that there is not. */
function picked(
  calls: readonly LoggedCall[],
  valueIn: ValueOf,
  picks: readonly number[],
  strange: boolean,
): string[] {
  const values = [...new Set(calls.map(valueIn))].filter(
    (value) => value !== null && !value.includes(','),
  ) as string[]
  const chosen = values.length === 0 ? [] : picks.map((pick) => values[pick % values.length]!)
  return [...new Set([...chosen, ...(strange || chosen.length === 0 ? ['no such value'] : [])])]
}

type Shown = { value: string | null; total: number; data: Record<string, number>[] }

/** Those that are not shown by themselves are together in (other), where a value of that name is, too. */
function compareSeries(
  series: readonly Shown[],
  own: readonly LoggedCall[],
  valueIn: ValueOf | undefined,
  what: string,
): void {
  const grouped = Map.groupBy(own, (call) => valueIn?.(call) ?? null)
  // By team those without one are shown as such; by anything else who has no value is not.
  if (valueIn !== undefined && !what.includes('group_by=team')) grouped.delete(null)
  const alone = new Set(series.map(({ value }) => value).filter((value) => value !== '(other)'))
  for (const { value, data } of series) {
    const calls =
      value === '(other)' && valueIn !== undefined
        ? [...grouped].filter(([each]) => !alone.has(each)).flatMap(([, each]) => each)
        : (grouped.get(value) ?? [])
    const counted = countedNaively(calls)
    const sum = (of: string) => data.reduce((all, point) => all + point[of]!, 0)
    for (const name of ['total', 'failed', 'denied', 'units', 'credits', 'bytes'] as const) {
      assert.ok(
        Math.abs(sum(name) - counted[name]) < 1e-6,
        `${what}: ${name} of ${value} is ${sum(name)}, not ${counted[name]}`,
      )
    }
  }
  const all = countedNaively([...grouped.values()].flat())
  const shown = series.reduce((sum, { total }) => sum + total, 0)
  assert.equal(shown, all.total, what)
}
