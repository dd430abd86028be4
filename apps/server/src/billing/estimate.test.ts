import assert from 'node:assert/strict'
import { test } from 'node:test'
import { billOfCounted } from '../../test/running-bill.ts'
import fc from 'fast-check'
import { randomCharges, randomReadings, readingsOf } from '../../test/random-charges.ts'
import type { Charge } from '../catalog/charge-types.ts'
import { compileTerms } from '../catalog/compile.ts'
import { planSchema } from '../catalog/schema.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { microsFromNumber } from '../lib/micros.ts'
import { NOTHING, parseExact } from '../lib/money.ts'
import { estimatePlans, metersOf, usualCurrency } from './estimate.ts'
import { rateCharges } from './pricing/rate-charges.ts'

const plan = (name: string, definition: object): PlanTerms =>
  compileTerms(1, name, 1, planSchema.parse(definition))
const asked = (quantities: Record<string, number>) =>
  new Map(
    Object.entries(quantities).map(([meter, quantity]) => [
      meter,
      [{ group: {}, quantity: parseExact(String(quantity)) }],
    ]),
  )
const estimate = (plans: PlanTerms[], quantities: Record<string, number>, currency = 'USD') =>
  estimatePlans(plans, asked(quantities), currency)

const PRO = plan('pro', { price: { per_unit: '0.10' } })
const TEAM = plan('team', {
  quota: { limit: 10_000, overage: 'deny' },
  price: { base: '10', included: 10_000 },
})
const GROWTH = plan('growth', {
  quota: { limit: 1_000, overage: 'charge' },
  price: { base: '50', included: 1_000, per_unit: '0.01' },
})
const CREDITS = {
  price: { charges: [{ name: 'Credits', model: 'prepaid_credits', credit_price: '0.02' }] },
  credits: 'required',
}

test('cheapest first, then by name', () => {
  const order = (units: number) =>
    estimate([PRO, TEAM, GROWTH], { units }).map(({ plan, total }) => [plan, total])
  const few = [
    ['pro', '5.00'],
    ['team', '10.00'],
    ['growth', '50.00'],
  ]
  assert.deepEqual(order(50), few)
  const many = [
    ['team', '10.00'],
    ['growth', '140.00'],
    ['pro', '1000.00'],
  ]
  assert.deepEqual(order(10_000), many)
  const same = ['b', 'a', 'c'].map((name) => plan(name, {}))
  assert.deepEqual(
    estimate(same, {}).map(({ plan }) => plan),
    ['a', 'b', 'c'],
  )
})

test('a plan that stops before the end is listed, and does not fit', () => {
  const [team] = estimate([TEAM], { units: 10_001 })
  assert.equal(team?.fits, false)
  assert.deepEqual(team?.problems, [
    {
      code: 'quota_exceeded',
      message: 'The plan stops at 10000 units a period; 10001 are asked for',
    },
  ])
  assert.equal(estimate([TEAM], { units: 10_000 })[0]?.fits, true)
  assert.equal(estimate([GROWTH], { units: 1_001 })[0]?.fits, true, 'overage is charged')
})

test('credits beyond the allowance have to be bought; where none are sold the plan does not fit', () => {
  const prepaid = plan('prepaid', { ...CREDITS, allowance: { credits: 100 } })
  const [within] = estimate([prepaid], { credits: 100 })
  assert.deepEqual([within?.total, within?.fits], ['0.00', true])
  const [beyond] = estimate([prepaid], { credits: 150.5 })
  assert.deepEqual([beyond?.total, beyond?.fits], ['1.01', true])
  assert.deepEqual(beyond?.included, [{ meter: 'credits', quantity: 100, unit: 'credits' }])
  assert.deepEqual(
    beyond?.lines.map(({ description, quantity }) => [description, quantity]),
    [
      ['Credits, paid in advance', 150.5],
      ['Credits, bought', 50.5],
    ],
  )
  const [given] = estimate([plan('given', { credits: 'required' })], { credits: 1 })
  assert.deepEqual(
    given?.problems.map(({ code }) => code),
    ['credits_not_sold'],
  )
  assert.equal(estimate([PRO], { credits: 500 })[0]?.total, '0.00', 'takes no credits')
})

test('what was not said is zero, and named where it matters', () => {
  const storage = plan('storage', {
    quota: { limit: 5, overage: 'deny' },
    meters: { bytes: { aggregation: 'sum', field: 'file_size_bytes' } },
    price: {
      charges: [{ name: 'Storage', model: 'per_unit', meter: 'bytes', unit_price: '0.5' }],
    },
  })
  assert.deepEqual(estimate([storage], {})[0]?.assumed_zero, ['bytes', 'units'])
  assert.deepEqual(estimate([storage], { bytes: 4 })[0]?.assumed_zero, ['units'])
  assert.equal(estimate([storage], { bytes: 4 })[0]?.total, '2.00')
  assert.deepEqual(estimate([plan('prepaid', CREDITS)], { units: 1 })[0]?.assumed_zero, ['credits'])
  assert.deepEqual(estimate([plan('free', {})], {})[0]?.assumed_zero, [])
  assert.deepEqual(metersOf([storage, PRO]), ['units', 'credits', 'bytes'])
})

test('plans are compared in one currency', () => {
  const both = plan('both', {
    price: { per_unit: '0.10' },
    prices: [{ currency: 'JPY', per_unit: '15' }],
  })
  assert.deepEqual(
    estimate([PRO, both], { units: 3 }, 'JPY').map(({ plan, total }) => [plan, total]),
    [['both', '45']],
  )
  assert.equal(usualCurrency([PRO, both]), 'USD')
  assert.equal(usualCurrency([both]), 'JPY', 'as many have it: the first by name')
  assert.equal(usualCurrency([]), null)
})

const FREE = plan('free', {})
const withCharges = (name: string, charges: readonly Charge[]): PlanTerms => {
  const price = { currency: 'USD', charges }
  return { ...FREE, plan: name, price, prices: new Map([['USD', price]]) }
}
const totalOf = (lines: { amount: string }[]) =>
  lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING).toFixed(2)

test('an estimate is the bill of the same quantities', () => {
  fc.assert(
    fc.property(fc.array(randomCharges, { maxLength: 3 }), randomReadings, (charges, measured) => {
      const terms = withCharges('random', charges)
      const readings = readingsOf(measured)
      const [found] = estimatePlans([terms], readings, 'USD')
      const bill = rateCharges({ price: terms.price, readings })
      assert.equal(found?.total, totalOf(bill))
      assert.deepEqual(
        found?.lines.map(({ amount, math }) => ({ amount, math })),
        bill.map(({ amount, math }) => ({ amount, math })),
      )
    }),
  )
})

test('an estimate of units is what the running bill says after as many', () => {
  fc.assert(
    fc.property(fc.nat(20_000), (units) => {
      for (const terms of [PRO, TEAM, GROWTH]) {
        const used = microsFromNumber(units)!
        const bill = billOfCounted(terms, { used, creditsBurned: 0n })
        assert.equal(estimate([terms], { units })[0]?.total, bill.total)
      }
    }),
  )
})

const randomPlans = fc
  .array(fc.array(randomCharges, { maxLength: 2 }), { minLength: 1, maxLength: 4 })
  .map((all) => all.map((charges, index) => withCharges(`plan-${index}`, charges)))

test('the order is by price, whatever the plans', () => {
  fc.assert(
    fc.property(randomPlans, randomReadings, (plans, measured) => {
      const found = estimatePlans(plans, readingsOf(measured), 'USD')
      assert.equal(found.length, plans.length)
      for (const [index, { plan, total }] of found.entries()) {
        const before = found[index - 1]
        if (before === undefined) continue
        const order = parseExact(before.total).cmp(parseExact(total))
        assert.ok(order < 0 || (order === 0 && before.plan < plan))
      }
    }),
  )
})

test('more usage never makes the cheapest plan cheaper; volume tiers are the exception', () => {
  const growing = randomPlans.filter((plans) =>
    plans.every(({ price }) => price.charges.every(({ model }) => model !== 'volume')),
  )
  fc.assert(
    fc.property(growing, randomReadings, randomReadings, (plans, measured, more) => {
      const cheapest = (readings: typeof measured) =>
        parseExact(estimatePlans(plans, readingsOf(readings), 'USD')[0]!.total)
      assert.ok(cheapest([...measured, ...more]).gte(cheapest(measured)))
    }),
  )
})
