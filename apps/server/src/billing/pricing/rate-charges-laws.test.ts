import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  randomCharges,
  randomModels,
  randomPrices,
  randomQuantities,
  randomReadings,
  randomTiers,
  readingsOf,
  type TestReading,
} from '../../../test/random-charges.ts'
import type { PriceModel, Tier, UsageCharge } from '../../catalog/charge-types.ts'
import { type Decimal, NOTHING, parseExact } from '../../lib/money.ts'
import { graduatedSteps } from './graduated.ts'
import { prorateByLength } from './prorate.ts'
import { rateCharges } from './rate-charges.ts'
import type { ChargeLine, PartOfPeriod } from './types.ts'

const plain = (model: PriceModel, minimum: string | null = null): UsageCharge => ({
  name: 'Pages',
  meter: { name: 'pages', unit: 'pages', definition: null },
  included: '0',
  minimum,
  maximum: null,
  factors: { region: new Map(), feature: new Map() },
  ...model,
})

function rate(charge: UsageCharge, measured: readonly TestReading[], part?: PartOfPeriod) {
  const price = { currency: 'USD', charges: [charge] }
  return rateCharges({ price, readings: readingsOf(measured), part: part ?? null })
}

const of = (quantity: string): TestReading[] => [{ region: null, feature: null, quantity }]
const sumOf = (texts: readonly string[]) =>
  texts.reduce((sum, text) => sum.add(parseExact(text)), NOTHING)
/** Before it is rounded. */
const exact = (lines: readonly ChargeLine[]): Decimal =>
  sumOf(lines.flatMap(({ math }) => math.map(({ amount }) => amount)))
const costOf = (model: PriceModel, quantity: Decimal): Decimal =>
  exact(rate(plain(model), of(quantity.toFixed())))

test('all that was measured is on the lines, once, and no line is below zero', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, (charge, measured) => {
      const lines = rate(charge, measured)
      const free = charge.model === 'per_unit' && parseExact(charge.unitPrice).isZero()
      for (const { quantity, amount } of lines) {
        assert.ok(!parseExact(quantity).isNegative() && !parseExact(amount).isNegative())
      }
      if (free) return
      const all = sumOf(measured.map(({ quantity }) => quantity))
      assert.equal(sumOf(lines.map(({ quantity }) => quantity)).toFixed(), all.toFixed())
    }),
  )
})

test('included units are never more than there are, nor more than were used', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, (charge, measured) => {
      const included = parseExact(charge.included)
      fc.pre(!included.isZero())
      const [line] = rate(charge, measured)
      const used = sumOf(measured.map(({ quantity }) => quantity))
      const expected = used.lt(included) ? used : included
      assert.equal(line?.quantity, expected.toFixed())
      assert.equal(line?.amount, '0.00')
    }),
  )
})

test('in whatever order, and in however many pieces, usage was measured, the lines are the same', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, fc.nat(), (charge, measured, seed) => {
      const lines = rate(charge, measured)
      assert.deepEqual(rate(charge, [...measured].reverse()), lines)
      const index = seed % Math.max(measured.length, 1)
      const cut = measured[index]
      if (cut === undefined) return
      const piece = parseExact(cut.quantity).div(3).toDecimalPlaces(6)
      const rest = parseExact(cut.quantity).sub(piece).toFixed()
      const pieces = [
        { ...cut, quantity: piece.toFixed() },
        ...measured.with(index, { ...cut, quantity: rest }),
      ]
      assert.deepEqual(rate(charge, pieces), lines)
    }),
  )
})

test('graduated: usage cut at the border of a tier costs the same, each part in its own tiers', () => {
  fc.assert(
    fc.property(randomTiers, randomQuantities, fc.nat(), (tiers, quantity, seed) => {
      fc.pre(tiers.length > 1)
      const index = seed % (tiers.length - 1)
      const border = parseExact(tiers[index]!.upTo!)
      const used = parseExact(quantity)
      fc.pre(used.gt(border))
      const beyond = tiers.slice(index + 1).map((tier): Tier => {
        const upTo = tier.upTo === null ? null : parseExact(tier.upTo).sub(border).toFixed()
        return { ...tier, upTo }
      })
      const cost = (of: readonly Tier[], units: Decimal) =>
        graduatedSteps(of, units).reduce((sum, { amount }) => sum.add(amount), NOTHING)
      const parts = cost(tiers, border).add(cost(beyond, used.sub(border)))
      assert.equal(cost(tiers, used).toFixed(), parts.toFixed())
    }),
  )
})

test('per unit and percentage: parts of a usage cost what all of it costs, before rounding', () => {
  const linear = randomModels.filter(({ model }) => model === 'per_unit' || model === 'percentage')
  fc.assert(
    fc.property(linear, randomQuantities, randomQuantities, (model, a, b) => {
      const [first, second] = [parseExact(a), parseExact(b)]
      const parts = costOf(model, first).add(costOf(model, second))
      assert.equal(costOf(model, first.add(second)).toFixed(), parts.toFixed())
    }),
  )
})

test('packages, and tiers that get cheaper: parts never cost less than all of it', () => {
  const cheaper = randomTiers.map((tiers): PriceModel => {
    const prices = tiers.map(({ unitPrice }) => unitPrice)
    prices.sort((a, b) => parseExact(b).cmp(parseExact(a)))
    return {
      model: 'graduated',
      tiers: tiers.map((tier, index) => ({ ...tier, unitPrice: prices[index]!, flat: '0' })),
    }
  })
  const packages = randomModels.filter(({ model }) => model === 'package')
  fc.assert(
    fc.property(fc.oneof(cheaper, packages), randomQuantities, randomQuantities, (model, a, b) => {
      const [first, second] = [parseExact(a), parseExact(b)]
      const parts = costOf(model, first).add(costOf(model, second))
      assert.ok(costOf(model, first.add(second)).lte(parts))
    }),
  )
})

test('more usage never costs less, whatever is included, its factors and bounds; volume is the exception', () => {
  fc.assert(
    fc.property(
      randomCharges.filter(({ model }) => model !== 'volume'),
      randomReadings,
      randomReadings,
      (charge, measured, more) => {
        const before = exact(rate(charge, measured))
        assert.ok(exact(rate(charge, [...measured, ...more])).gte(before))
      },
    ),
  )
})

test('volume: one unit more can make all of them cheaper, and a minimum keeps the whole up', () => {
  const tiers = [
    { upTo: '1000', unitPrice: '0.08', flat: '0' },
    { upTo: null, unitPrice: '0.05', flat: '0' },
  ]
  const amount = (quantity: string, minimum: string | null = null) =>
    rate(plain({ model: 'volume', tiers }, minimum), of(quantity))[0]?.amount
  assert.deepEqual([amount('1000'), amount('1001'), amount('1600')], ['80.00', '50.05', '80.00'])
  assert.deepEqual([amount('1000', '80'), amount('1001', '80')], ['80.00', '80.00'])
})

test('packages: who begins one pays for it, and for no more than that', () => {
  const counted = (quantity: string) => {
    const charge = plain({ model: 'package', size: '100', price: '5' })
    return rate(charge, of(quantity))[0]?.math[0]?.quantity
  }
  const table = { '0': '0', '0.000001': '1', '1': '1', '100': '1', '100.000001': '2', '101': '2' }
  for (const [quantity, packages] of Object.entries(table)) {
    assert.equal(counted(quantity), packages, quantity)
  }
  fc.assert(
    fc.property(randomQuantities, (quantity) => {
      const room = parseExact(counted(quantity)!).mul(100)
      assert.ok(room.gte(quantity) && room.sub(100).lt(quantity))
    }),
  )
})

const parts = fc
  .tuple(fc.nat(1_000), fc.nat(1_000), fc.integer({ min: 1, max: 1_000 }))
  .map(([a, b, length]): PartOfPeriod => {
    const [from, to] = [Math.min(a, b), Math.max(a, b)]
    return { from_ms: from, to_ms: to, whole_ms: to + length }
  })

test('minimum and maximum hold, for a part of a period in proportion', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, fc.option(parts), (charge, measured, part) => {
      const bound = (amount: string) => prorateByLength(parseExact(amount), part)
      const amount = exact(rate(charge, measured, part ?? undefined))
      if (charge.minimum !== null) assert.ok(amount.gte(bound(charge.minimum)))
      if (charge.maximum !== null) assert.ok(amount.lte(bound(charge.maximum)))
    }),
  )
})

test('however a period is cut, the flat fees of its parts add up, and usage is not touched by it', () => {
  fc.assert(
    fc.property(randomPrices, randomQuantities, parts, (fee, quantity, { from_ms, whole_ms }) => {
      const price = {
        currency: 'KWD',
        charges: [
          { model: 'flat', name: 'Fee', amount: fee, timing: 'in_advance' } as const,
          plain({ model: 'per_unit', unitPrice: '0.001' }),
        ],
      }
      const bill = (part: PartOfPeriod | null) =>
        rateCharges({ price, readings: readingsOf(of(quantity)), part })
      const fees = (lines: ChargeLine[]) =>
        lines.filter(({ meter }) => meter === 'base').map(({ amount }) => amount)
      const all = bill(null)
      const first = bill({ from_ms: 0, to_ms: from_ms, whole_ms })
      const rest = bill({ from_ms, to_ms: whole_ms, whole_ms })
      assert.equal(sumOf([...fees(first), ...fees(rest)]).toFixed(), sumOf(fees(all)).toFixed())
      assert.equal(first.at(-1)?.amount, all.at(-1)?.amount)
    }),
  )
})
