import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_USAGE } from '../readings/measures.ts'
import { wastefulEndpoints } from './wasteful-endpoints.ts'

const endpoint = (value: string, calls: number, failed: number, units = 0n, credits = 0n) => {
  return { ...NO_USAGE, value, calls, failed, units, credits }
}

test('an endpoint is told from ten failures and one in twenty on', () => {
  const told = (calls: number, failed: number) => {
    return wastefulEndpoints([endpoint('/a', calls, failed)], NO_USAGE).length === 1
  }
  assert.deepEqual(
    [told(9, 9), told(10, 10), told(200, 10), told(201, 10)],
    [false, true, true, true],
  )
  assert.equal(told(230, 10), false)
})

test('what was lost lies on the endpoints by what a call to each uses', () => {
  const usage = [
    endpoint('/cheap', 100, 50, 0n, 100_000_000n),
    endpoint('/dear', 100, 50, 0n, 300_000_000n),
  ]
  const [first, second] = wastefulEndpoints(usage, { units: 0n, credits: 200_000_000n })
  assert.deepEqual([first!.endpoint, first!.credits_lost], ['/dear', 150])
  assert.deepEqual([second!.endpoint, second!.credits_lost], ['/cheap', 50])
})

test('where failures do not count nothing is lost but calls, and most failures come first', () => {
  const usage = [
    endpoint('/b', 100, 20, 80n),
    endpoint('/c', 100, 30, 70n),
    endpoint('/a', 40, 20, 20n),
  ]
  const found = wastefulEndpoints(usage, NO_USAGE)
  assert.deepEqual(
    found.map((one) => [one.endpoint, one.units_lost, one.failed]),
    [
      ['/c', 0, 30],
      ['/a', 0, 20],
      ['/b', 0, 20],
    ],
  )
})

test('the rest beyond the bound is no endpoint, and nothing is nothing', () => {
  assert.deepEqual(wastefulEndpoints([endpoint('(other)', 100, 100)], NO_USAGE), [])
  assert.deepEqual(wastefulEndpoints([], NO_USAGE), [])
})

test('the parts are never more than the whole, at most ten are told, in an order that does not depend on chance', () => {
  const usage = fc.uniqueArray(
    fc.record({
      value: fc.string({ minLength: 1 }),
      calls: fc.nat(1_000),
      failed: fc.nat(1_000),
      units: fc.bigInt({ min: 0n, max: 10n ** 12n }),
      credits: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    }),
    { selector: ({ value }) => value, maxLength: 30 },
  )
  const lost = fc.record({
    units: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    credits: fc.bigInt({ min: 0n, max: 10n ** 12n }),
  })
  fc.assert(
    fc.property(usage, lost, (endpoints, all) => {
      const full = endpoints.map((one) => {
        return { ...NO_USAGE, ...one, failed: Math.min(one.failed, one.calls) }
      })
      const found = wastefulEndpoints(full, all)
      assert.ok(found.length <= 10)
      const sum = (name: 'units_lost' | 'credits_lost') =>
        found.reduce((before, one) => before + one[name], 0)
      assert.ok(sum('units_lost') <= Number(all.units) / 1e6 + 1e-3)
      assert.ok(sum('credits_lost') <= Number(all.credits) / 1e6 + 1e-3)
      assert.deepEqual(
        wastefulEndpoints(full.toReversed(), all).map((one) => one.endpoint),
        found.map((one) => one.endpoint),
      )
    }),
  )
})
