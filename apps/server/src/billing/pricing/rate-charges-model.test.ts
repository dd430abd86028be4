import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  randomCharges,
  randomReadings,
  readingsOf,
  type TestReading,
} from '../../../test/random-charges.ts'
import type { Tier, UsageCharge } from '../../catalog/charge-types.ts'
import { parseExact } from '../../lib/money.ts'
import { rateCharges } from './rate-charges.ts'

// A second way to the same amounts, which shares nothing with the first: fractions of integers, and
// one sum for a whole charge where the program goes step by step.

type Fraction = { n: bigint; d: bigint }

const ZERO: Fraction = { n: 0n, d: 1n }

function fraction(text: string): Fraction {
  const [whole = '', decimals = ''] = text.split('.')
  return { n: BigInt(whole + decimals), d: 10n ** BigInt(decimals.length) }
}

const add = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.d + b.n * a.d, d: a.d * b.d })
const sub = (a: Fraction, b: Fraction): Fraction => add(a, { n: -b.n, d: b.d })
const mul = (a: Fraction, b: Fraction): Fraction => ({ n: a.n * b.n, d: a.d * b.d })
const less = (a: Fraction, b: Fraction) => a.n * b.d < b.n * a.d
const min = (a: Fraction, b: Fraction) => (less(a, b) ? a : b)
const max = (a: Fraction, b: Fraction) => (less(a, b) ? b : a)
const same = (a: Fraction, b: Fraction) => a.n * b.d === b.n * a.d

function halfEven({ n, d }: Fraction, digits: number): bigint {
  const scaled = n * 10n ** BigInt(digits)
  const floor = scaled / d
  const twice = (scaled % d) * 2n
  return twice > d || (twice === d && floor % 2n === 1n) ? floor + 1n : floor
}

function modelOfTiers(tiers: readonly Tier[], quantity: Fraction): Fraction {
  return tiers.reduce((sum, { upTo, unitPrice, flat }, index) => {
    const from = fraction(tiers[index - 1]?.upTo ?? '0')
    const end = upTo === null ? quantity : min(quantity, fraction(upTo))
    if (!less(from, end)) return sum
    return add(sum, add(mul(sub(end, from), fraction(unitPrice)), fraction(flat)))
  }, ZERO)
}

function modelOfPrice(charge: UsageCharge, quantity: Fraction): Fraction {
  switch (charge.model) {
    case 'per_unit':
      return mul(quantity, fraction(charge.unitPrice))
    case 'percentage':
      return mul(quantity, mul(fraction(charge.rate), { n: 1n, d: 100n }))
    case 'package': {
      const size = fraction(charge.size)
      const [n, d] = [quantity.n * size.d, quantity.d * size.n]
      return mul({ n: (n + d - 1n) / d, d: 1n }, fraction(charge.price))
    }
    case 'graduated':
      return modelOfTiers(charge.tiers, quantity)
    case 'volume': {
      if (quantity.n === 0n) return ZERO
      const tier = charge.tiers.find(
        ({ upTo }) => upTo === null || !less(fraction(upTo), quantity),
      )!
      return add(mul(quantity, fraction(tier.unitPrice)), fraction(tier.flat))
    }
  }
}

type Group = { name: string; factor: Fraction; quantity: Fraction }

/** The exact amount of a charge, all lines together. */
function modelOf(charge: UsageCharge, measured: readonly TestReading[]): Fraction {
  const groups = new Map<string, Group>()
  for (const reading of measured) {
    const { name, factor } = modelOfGroup(charge, reading)
    const before = groups.get(name)?.quantity ?? ZERO
    groups.set(name, { name, factor, quantity: add(before, fraction(reading.quantity)) })
  }
  let left = fraction(charge.included)
  let sum = ZERO
  for (const { factor, quantity } of [...groups.values()].sort(dearestFirst)) {
    const taken = min(quantity, left)
    left = sub(left, taken)
    sum = add(sum, mul(modelOfPrice(charge, sub(quantity, taken)), factor))
  }
  if (charge.minimum !== null) sum = max(sum, fraction(charge.minimum))
  if (charge.maximum !== null) sum = min(sum, fraction(charge.maximum))
  return sum
}

function modelOfGroup({ factors }: UsageCharge, reading: TestReading) {
  const names: string[] = []
  let factor = fraction('1')
  for (const dimension of ['region', 'feature'] as const) {
    if (factors[dimension].size === 0) continue
    const value = reading[dimension]?.toLowerCase() ?? ''
    const known = factors[dimension].get(value)
    names.push(known === undefined ? `other ${dimension}s` : `${dimension} ${value}`)
    factor = mul(factor, fraction(known ?? '1'))
  }
  return { name: names.join(', '), factor }
}

/** Where factors are the same it is the name that decides whose units are included. */
function dearestFirst(a: Group, b: Group): number {
  if (!same(a.factor, b.factor)) return less(b.factor, a.factor) ? -1 : 1
  return a.name < b.name ? -1 : 1
}

const DIGITS = { USD: 2, JPY: 0, KWD: 3 } as const
const currencies = fc.constantFrom<keyof typeof DIGITS>('USD', 'JPY', 'KWD')

test('every charge comes to what fractions of integers say, before and after it is rounded', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, currencies, (charge, measured, currency) => {
      const price = { currency, charges: [charge] }
      const lines = rateCharges({ price, readings: readingsOf(measured) })
      const exact = modelOf(charge, measured)
      const math = lines
        .flatMap((line) => line.math)
        .reduce((sum, { amount }) => add(sum, fraction(amount)), ZERO)
      assert.ok(same(math, exact), JSON.stringify({ lines, charge }, null, 1))

      const digits = DIGITS[currency]
      const shown = lines.reduce((sum, { amount }) => sum + fraction(amount).n, 0n)
      assert.equal(shown, halfEven(exact, digits))
      for (const { amount } of lines) {
        assert.match(amount, digits === 0 ? /^\d+$/ : new RegExp(`^\\d+\\.\\d{${digits}}$`))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('every step says exactly how it comes to its amount', () => {
  fc.assert(
    fc.property(randomCharges, randomReadings, (charge, measured) => {
      const price = { currency: 'USD', charges: [charge] }
      const lines = rateCharges({ price, readings: readingsOf(measured) })
      for (const step of lines.flatMap(({ math }) => math)) {
        const amount = mul(
          add(mul(fraction(step.quantity), fraction(step.unit_price)), fraction(step.flat)),
          fraction(step.factor),
        )
        assert.ok(same(amount, fraction(step.amount)), JSON.stringify(step))
        for (const text of [step.quantity, step.unit_price, step.flat, step.factor, step.amount]) {
          assert.match(text, /^-?\d+(\.\d+)?$/)
          assert.equal(parseExact(text).toFixed(), text)
        }
      }
    }),
  )
})
