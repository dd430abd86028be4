import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { test } from 'node:test'
import fc from 'fast-check'
import { fieldChanges } from './field-changes.ts'

test('what differs is named by the smallest field that people would name', () => {
  const charge = { name: 'Calls', model: 'per_unit', unit_price: '0.10' }
  const fee = { name: 'Fee', model: 'flat', amount: '5' }
  const rule = { path: '/convert', methods: ['POST'], credits: 2 }
  const cases: [before: unknown, after: unknown, changes: object[]][] = [
    [{ a: 1 }, { a: 1 }, []],
    [{ a: { b: 1, c: 2 } }, { a: { b: 3, c: 2 } }, [{ field: 'a.b', before: 1, after: 3 }]],
    [{ a: null }, { a: { b: 1 } }, [{ field: 'a', before: null, after: { b: 1 } }]],
    [{}, { a: null }, [{ field: 'a', after: null }]],
    [{ a: 1 }, {}, [{ field: 'a', before: 1 }]],
    [{ l: ['x'] }, { l: ['x', 'y'] }, [{ field: 'l', before: ['x'], after: ['x', 'y'] }]],
    [
      { charges: [charge] },
      { charges: [{ ...charge, unit_price: '0.08' }, fee] },
      [
        { field: 'charges["Calls"].unit_price', before: '0.10', after: '0.08' },
        { field: 'charges["Fee"]', after: fee },
      ],
    ],
    [
      { endpoints: [rule] },
      { endpoints: [{ ...rule, credits: 3 }] },
      [{ field: 'endpoints["POST /convert"].credits', before: 2, after: 3 }],
    ],
    [
      { limits: [{ limit: 1, per: 'second' }] },
      { limits: [{ limit: 2, per: 'second' }] },
      [{ field: 'limits["second"].limit', before: 1, after: 2 }],
    ],
    [
      { tiers: [{ up_to: '10' }, { up_to: null }] },
      { tiers: [{ up_to: '20' }, { up_to: null }, { up_to: '9' }] },
      [
        { field: 'tiers[0].up_to', before: '10', after: '20' },
        { field: 'tiers[2]', after: { up_to: '9' } },
      ],
    ],
  ]
  for (const [before, after, changes] of cases) {
    assert.deepEqual(fieldChanges(before, after), changes, JSON.stringify([before, after]))
  }
})

test('a rule that is put before others is told with the order, for the first that matches wins', () => {
  const rules = (...paths: string[]) => ({ endpoints: paths.map((path) => ({ path })) })
  assert.deepEqual(fieldChanges(rules('/a', '/b'), rules('*', '/a', '/b')), [
    { field: 'endpoints["*"]', after: { path: '*' } },
    { field: 'endpoints (order)', before: ['/a', '/b'], after: ['*', '/a', '/b'] },
  ])
  assert.deepEqual(fieldChanges(rules('/a', '/b'), rules('/b', '/a')), [
    { field: 'endpoints (order)', before: ['/a', '/b'], after: ['/b', '/a'] },
  ])
})

test('a rule that is there twice is told by its place', () => {
  const twice = [
    { path: '/a', credits: 1 },
    { path: '/a', credits: 2 },
  ]
  const after = [twice[0], { path: '/a', credits: 3 }]
  assert.deepEqual(fieldChanges({ l: twice }, { l: after }), [
    { field: 'l[1].credits', before: 2, after: 3 },
  ])
})

test('names that objects have from their makers are names like others', () => {
  assert.deepEqual(fieldChanges({}, { constructor: { toString: 1 } }), [
    { field: 'constructor', after: { toString: 1 } },
  ])
})

test('there is something to say exactly when two values differ', () => {
  const named = fc.record({ name: fc.constantFrom('a', 'b', 'c'), value: fc.nat(2) })
  const parsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
  const value = fc.oneof(fc.jsonValue(), fc.record({ list: fc.array(named) })).map(parsed)
  fc.assert(
    fc.property(value, value, (before, after) => {
      const differs = !isDeepStrictEqual(before, after)
      assert.equal(fieldChanges(before, after).length > 0, differs)
      assert.deepEqual(fieldChanges(before, parsed(before)), [])
    }),
    { numRuns: 2_000 },
  )
})
