import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decimal } from 'decimal.js'
import { compileTerms } from '../../catalog/compile.ts'
import { catalogSchema } from '../../catalog/schema.ts'
import { parseExact } from '../../lib/money.ts'
import { boughtCreditsLine } from './prepaid-credits.ts'
import { type ChargeClass, rateCharges } from './rate-charges.ts'
import type { Reading, Readings } from './types.ts'

function priceOf(charges: object[], meters: object = {}) {
  const plans = { pro: { price: { charges } } }
  const catalog = catalogSchema.parse({ catalog: 1, meters, plans })
  return compileTerms(1, 'pro', 1, catalog.plans.pro!).price
}

function measured(
  quantities: Record<string, string>,
  grouped: Record<string, Reading[]> = {},
): Readings {
  const all = { units: '0', credits: '0', overage_credits: '0', ...quantities }
  const single = Object.entries(all).map(([meter, quantity]) => {
    return [meter, [{ group: {}, quantity: parseExact(quantity) }]] as const
  })
  return new Map<string, readonly Reading[]>([...single, ...Object.entries(grouped)])
}

test('a line names its charge, its meter and unit, and shows its math tier by tier', () => {
  const price = priceOf(
    [
      { name: 'Platform', model: 'flat', amount: '49' },
      {
        name: 'Scans',
        model: 'graduated',
        meter: 'scans',
        included: 10,
        maximum: '30',
        tiers: [
          { up_to: 100, unit_price: '0.10' },
          { unit_price: '0.05', flat: '20' },
        ],
      },
    ],
    { scans: { aggregation: 'count', unit: 'scan' } },
  )
  const [, , line] = rateCharges({ price, readings: measured({ scans: '160.5' }) })
  assert.deepEqual(line, {
    charge: 1,
    description: 'Scans beyond those included',
    meter: 'scans',
    unit: 'scan',
    quantity: '150.5',
    unit_price: null,
    amount: '30.00',
    timing: 'in_arrears',
    part: null,
    math: [
      {
        kind: 'usage',
        group: null,
        from: '0',
        up_to: '100',
        quantity: '100',
        unit_price: '0.1',
        flat: '0',
        factor: '1',
        amount: '10',
      },
      {
        kind: 'usage',
        group: null,
        from: '100',
        up_to: null,
        quantity: '50.5',
        unit_price: '0.05',
        flat: '20',
        factor: '1',
        amount: '22.525',
      },
      {
        kind: 'maximum',
        group: null,
        from: '0',
        up_to: null,
        quantity: '1',
        unit_price: '-2.525',
        flat: '0',
        factor: '1',
        amount: '-2.525',
      },
    ],
  })
})

test('what is due in advance and what is due in arrears can be told apart, and together are all', () => {
  const price = priceOf([
    { name: 'Before', model: 'flat', amount: '1' },
    { name: 'After', model: 'flat', amount: '2', timing: 'in_arrears' },
    { name: 'Calls', model: 'per_unit', meter: 'units', unit_price: '3' },
  ])
  const readings = measured({ units: '1', credits: '1' })
  const names = (only?: ChargeClass) =>
    rateCharges({ price, readings, ...(only && { only }) }).map(({ description }) => description)
  assert.deepEqual(names('in_advance'), ['Before'])
  assert.deepEqual(names('in_arrears'), ['After'])
  assert.deepEqual(names('usage'), ['Calls', 'Credits used, paid in advance'])
  const parts = (['in_advance', 'in_arrears', 'usage'] as const).flatMap(names)
  assert.deepEqual(names().sort(), parts.sort())
})

test('without factors the groups of a meter are rated as one, and unlisted values never make lines of their own', () => {
  const tiers = [{ up_to: 100, unit_price: '1' }, { unit_price: '0.5' }]
  const meters = { pages: { aggregation: 'sum', field: 'quantity', group_by: ['region'] } }
  const charge = { name: 'Pages', model: 'graduated', meter: 'pages', tiers }
  const pages = ['eu', 'us', 'ap', 'xx'].map((region) => {
    return { group: { region }, quantity: parseExact('100') }
  })
  const readings = measured({}, { pages })
  const [whole] = rateCharges({ price: priceOf([charge], meters), readings })
  assert.equal(whole?.amount, '250.00', 'one ladder of tiers')

  const factors = { region: { eu: 2 } }
  const [byGroup] = rateCharges({ price: priceOf([{ ...charge, factors }], meters), readings })
  assert.equal(byGroup?.amount, '400.00', 'eu 100 × 1 × 2; the others 100 × 1 + 200 × 0.5')
  assert.deepEqual(
    byGroup?.math.map(({ group, factor, amount }) => [group, factor, amount]),
    [
      ['region eu', '2', '200'],
      ['other regions', '1', '100'],
      ['other regions', '1', '100'],
    ],
  )
})

test('a meter that nobody read makes no bill, rather than one that is too low', () => {
  const price = priceOf([{ name: 'Scans', model: 'per_unit', meter: 'scans', unit_price: '1' }], {
    scans: { aggregation: 'count' },
  })
  assert.throws(() => rateCharges({ price, readings: measured({}) }), /“scans” has not been read/)
  const nothing = measured({}, { scans: [] })
  assert.equal(rateCharges({ price, readings: nothing })[0]?.amount, '0.00')
})

test('what is no quantity makes no bill, and less than nothing is nothing', () => {
  const price = priceOf([{ name: 'Calls', model: 'per_unit', meter: 'units', unit_price: '1' }])
  const of = (quantity: Decimal) =>
    rateCharges({ price, readings: measured({}, { units: [{ group: {}, quantity }] }) })
  for (const bad of ['NaN', 'Infinity', '1e24', '1e-19']) {
    assert.throws(() => of(new Decimal(bad)), /cannot have measured/, bad)
  }
  const [line] = of(parseExact('-5'))
  assert.deepEqual([line?.quantity, line?.amount], ['0', '0.00'])
})

test('credits cost their price when they are bought, and again only beyond the balance', () => {
  const price = priceOf([{ name: 'Credits', model: 'prepaid_credits', credit_price: '0.015' }])
  const bought = boughtCreditsLine(price, parseExact('1001'))
  assert.deepEqual(
    [bought?.description, bought?.amount, bought?.timing],
    ['Credits, bought', '15.02', 'in_advance'],
  )
  const lines = rateCharges({
    price,
    readings: measured({ credits: '900', overage_credits: '10' }),
  })
  assert.deepEqual(
    lines.map(({ description, amount }) => [description, amount]),
    [
      ['Credits, paid in advance', '0.00'],
      ['Credits beyond those paid for', '0.15'],
    ],
  )
  assert.equal(boughtCreditsLine(priceOf([]), parseExact('1')), null)
})

test('credits can be charged after they were used instead', () => {
  const price = priceOf([
    { name: 'Credits', model: 'volume', meter: 'credits', tiers: [{ unit_price: '0.02' }] },
  ])
  const lines = rateCharges({ price, readings: measured({ credits: '900' }) })
  assert.deepEqual(
    lines.map(({ description, unit, amount }) => [description, unit, amount]),
    [['Credits', 'credits', '18.00']],
  )
})
