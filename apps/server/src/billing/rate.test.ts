import assert from 'node:assert/strict'
import { test } from 'node:test'
import { billOfCounted } from '../../test/running-bill.ts'
import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { compileTerms } from '../catalog/compile.ts'
import { planSchema } from '../catalog/schema.ts'

const UNIT = 1_000_000n

function rate(plan: object, used: bigint, creditsBurned = 0n) {
  const terms = compileTerms(1, 'test', 1, planSchema.parse(plan))
  return billOfCounted(terms, { used, creditsBurned })
}

test('pro: 250 requests at $0.10 are $25.00', () => {
  assert.deepEqual(rate({ price: { per_unit: '0.10' } }, 250n * UNIT), {
    currency: 'USD',
    lines: [
      { description: 'Calls', meter: 'units', quantity: 250, unit_price: '0.10', amount: '25.00' },
    ],
    subtotal: '25.00',
    total: '25.00',
  })
})

test('free: nothing is due', () => {
  assert.deepEqual(rate({}, 100n * UNIT), {
    currency: 'USD',
    lines: [],
    subtotal: '0.00',
    total: '0.00',
  })
})

test('a base fee is due before the first call, and included units cost nothing', () => {
  const plan = { price: { base: '10', per_unit: '0.002', included: 10_000 } }
  assert.equal(rate(plan, 0n).total, '10.00')
  assert.equal(rate(plan, 10_000n * UNIT).total, '10.00')
  assert.deepEqual(
    rate(plan, 12_500n * UNIT).lines.map(({ meter, quantity, unit_price, amount }) => [
      meter,
      quantity,
      unit_price,
      amount,
    ]),
    [
      ['base', 1, '10.00', '10.00'],
      ['units', 10_000, '0.00', '0.00'],
      ['units', 2_500, '0.002', '5.00'],
    ],
  )
})

test('credits were paid in advance: they are shown and cost nothing again', () => {
  const { lines, total } = rate({ credits: 'required' }, 7n * UNIT, 12_500_000n)
  assert.deepEqual(lines, [
    {
      description: 'Credits used, paid in advance',
      meter: 'credits',
      quantity: 12.5,
      unit_price: '0.00',
      amount: '0.00',
    },
  ])
  assert.equal(total, '0.00')
})

test('a line is rounded once, half-even', () => {
  const plan = { price: { per_unit: '0.005' } }
  assert.equal(rate(plan, 1n * UNIT).total, '0.00')
  assert.equal(rate(plan, 3n * UNIT).total, '0.02')
  assert.equal(rate(plan, 1_000n * UNIT).total, '5.00')
  assert.equal(rate({ price: { currency: 'JPY', per_unit: '0.5' } }, 5n * UNIT).total, '2')
})

const prices = fc.tuple(fc.nat(100_000), fc.nat(6)).map(([digits, decimals]) => {
  const text = String(digits).padStart(decimals + 1, '0')
  return decimals === 0 ? text : `${text.slice(0, -decimals)}.${text.slice(-decimals)}`
})
const plans = fc.record({
  price: fc.record({
    currency: fc.constantFrom('USD', 'JPY', 'KWD'),
    base: prices,
    per_unit: prices,
    included: fc.nat(1_000),
  }),
  credits: fc.constantFrom('none', 'required'),
})
const quantities = fc.bigInt({ min: 0n, max: 10n ** 12n })

test('the lines add up to the total', () => {
  fc.assert(
    fc.property(plans, quantities, quantities, (plan, used, burned) => {
      const { lines, subtotal, total } = rate(plan, used, burned)
      const sum = lines.reduce((before, { amount }) => before.add(amount), new Decimal(0))
      assert.ok(sum.eq(total))
      assert.equal(subtotal, total)
    }),
  )
})

test('more usage never costs less', () => {
  fc.assert(
    fc.property(plans, quantities, quantities, (plan, used, more) => {
      const before = new Decimal(rate(plan, used).total)
      assert.ok(before.lte(rate(plan, used + more).total))
    }),
  )
})

test('every counted unit of a plan that has a price is on one line, once', () => {
  fc.assert(
    fc.property(plans, quantities, (plan, used) => {
      fc.pre(!new Decimal(plan.price.per_unit).isZero())
      const units = rate(plan, used).lines.filter(({ meter }) => meter === 'units')
      const sum = units.reduce((before, { quantity }) => before.add(quantity), new Decimal(0))
      assert.ok(sum.mul(1_000_000).eq(used.toString()))
    }),
  )
})
