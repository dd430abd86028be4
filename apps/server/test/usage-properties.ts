import assert from 'node:assert/strict'
import fc from 'fast-check'
import { countedNaively, type LoggedCall } from './usage-model.ts'

/** Lists that a catalog may have one after the other. */
export const COUNTED_LISTS = [
  ['customer', 'model'],
  [],
  ['model', 'x.y'],
  ['customer', 'model', 'toString'],
]

const hostile = fc.constantFrom(
  ...[
    'a',
    'A',
    '',
    ' ',
    '(other)',
    'a=b',
    '=',
    "'; DROP TABLE entry; --",
    '"\\u0000\\',
    '\n\t\u0001',
  ],
  ...['\u{1f600}'.repeat(420), 'l'.repeat(500), '__proto__', 'constructor', '{}', 'null', '\u202e'],
)
const value = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>('a', 'b', 'c') },
  { weight: 3, arbitrary: hostile as fc.Arbitrary<unknown> },
  fc.constantFrom<unknown>(0, -0, 1, 1.5, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 2 ** 53),
  fc.constantFrom<unknown>(true, false, null, [], ['a'], {}, { customer: 'a', model: 'b' }),
)
/** What senders may put there, as the door lets it in. */
export function properties(): fc.Arbitrary<Record<string, unknown>> {
  return fc.dictionary(
    fc.constantFrom('customer', 'model', 'x.y', 'toString', 'x', 'customer=a', 'Customer'),
    value,
    { maxKeys: 5, noNullPrototype: true },
  )
}

type Shown = { value: string; total: number; data: Record<string, number>[] }

/** Those that are not shown are together in (other), where a value of that name is, too. */
export function compareValues(series: Shown[], own: Map<string, LoggedCall[]>, what: string): void {
  const alone = new Set(series.map(({ value }) => value).filter((value) => value !== '(other)'))
  for (const { value, data } of series) {
    const calls =
      value === '(other)'
        ? [...own].filter(([each]) => !alone.has(each)).flatMap(([, calls]) => calls)
        : (own.get(value) ?? [])
    const counted = countedNaively(calls)
    const sum = (of: string) => data.reduce((all, point) => all + point[of]!, 0)
    for (const name of ['total', 'failed', 'denied', 'units', 'credits', 'bytes'] as const) {
      assert.ok(Math.abs(sum(name) - counted[name]) < 1e-6, `${what}: ${name} of ${value}`)
    }
  }
  const all = countedNaively([...own.values()].flat())
  assert.equal(
    series.reduce((sum, { total }) => sum + total, 0),
    all.total,
    what,
  )
}
