import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NOTHING, parseAmount } from '../../lib/money.ts'
import { prorate, prorateByLength, shareOfPeriod } from './prorate.ts'

const DAY_MS = 86_400_000

test('a part of a period bears its part of the amount, to the second', () => {
  const ten = parseAmount('10')
  const may = 31 * DAY_MS
  assert.equal(prorate(ten, 0, may).toFixed(), '0')
  assert.equal(prorate(ten, may, may).toFixed(), '10')
  assert.equal(prorate(ten, 15.5 * DAY_MS, may).toFixed(), '5')
  assert.equal(prorate(ten, 10 * DAY_MS, may).toFixed(6), '3.225806')
  const secondMore = prorate(ten, 10 * DAY_MS + 1_000, may).sub(prorate(ten, 10 * DAY_MS, may))
  assert.equal(secondMore.toFixed(15), '0.000003733572282', '10 ÷ 2,678,400 s')
})

test('a month with a change of clocks is as long as it is', () => {
  // March 2026 in Berlin has 743 hours. A change at noon of the 15th is 348 hours in.
  const hour = 3_600_000
  assert.equal(prorate(parseAmount('743'), 348 * hour, 743 * hour).toFixed(), '348')
})

const amounts = fc
  .bigInt({ min: 0n, max: 10n ** 15n - 1n })
  .map((digits) => `${digits / 1_000_000n}.${String(digits % 1_000_000n).padStart(6, '0')}`)
const periods = fc.integer({ min: 1, max: 100 * 366 * DAY_MS })
const currencies = fc.constantFrom('USD', 'JPY', 'KWD')

/** Half-even, from integers alone: the amount in smallest units × part ÷ whole. */
function modelOfDue(amount: string, part: bigint, whole: bigint, digits: bigint): bigint {
  const [units, decimals] = amount.split('.') as [string, string]
  const dividend = BigInt(units + decimals) * part * 10n ** digits
  const divisor = whole * 10n ** BigInt(decimals.length)
  const floor = dividend / divisor
  const twice = (dividend % divisor) * 2n
  return twice > divisor || (twice === divisor && floor % 2n === 1n) ? floor + 1n : floor
}

test('what is due is what exact fractions say, ties included', () => {
  const digitsOf = { USD: 2, JPY: 0, KWD: 3 } as const
  fc.assert(
    fc.property(amounts, periods, fc.nat(), currencies, (amount, whole, seed, currency) => {
      const part = seed % (whole + 1)
      const digits = digitsOf[currency as keyof typeof digitsOf]
      const due = shareOfPeriod(
        parseAmount(amount),
        { from_ms: 0, to_ms: part, whole_ms: whole },
        currency,
      )
      const model = modelOfDue(amount, BigInt(part), BigInt(whole), BigInt(digits))
      assert.equal(due.mul(10 ** digits).toFixed(), String(model))
    }),
  )
  const half = { from_ms: 0, to_ms: 1, whole_ms: 2 }
  assert.equal(shareOfPeriod(parseAmount('0.01'), half, 'USD').toFixed(), '0')
  assert.equal(shareOfPeriod(parseAmount('0.03'), half, 'USD').toFixed(), '0.02')
})

test('however a period is cut, the parts add up to the whole, to the cent', () => {
  fc.assert(
    fc.property(
      amounts,
      periods,
      fc.array(fc.nat(), { maxLength: 12 }),
      currencies,
      (amount, whole, seeds, currency) => {
        const cuts = [0, ...seeds.map((seed) => seed % (whole + 1)), whole].sort((a, b) => a - b)
        const fee = parseAmount(amount)
        const parts = cuts
          .slice(1)
          .map((to_ms, index) =>
            shareOfPeriod(fee, { from_ms: cuts[index]!, to_ms, whole_ms: whole }, currency),
          )
        assert.ok(parts.every((part) => part.gte(0)))
        const sum = parts.reduce((before, part) => before.add(part), NOTHING)
        const all = shareOfPeriod(fee, { from_ms: 0, to_ms: whole, whole_ms: whole }, currency)
        assert.equal(sum.toFixed(), all.toFixed())
      },
    ),
  )
})

test('two halves of an odd cent do not both lose it', () => {
  const fee = parseAmount('10.01')
  const [first, second] = [
    shareOfPeriod(fee, { from_ms: 0, to_ms: 1, whole_ms: 2 }, 'USD'),
    shareOfPeriod(fee, { from_ms: 1, to_ms: 2, whole_ms: 2 }, 'USD'),
  ]
  assert.deepEqual([first.toFixed(2), second.toFixed(2)], ['5.00', '5.01'])
})

test('what is no part of a period is refused', () => {
  for (const [from_ms, to_ms, whole_ms] of [
    [0, 2, 1],
    [-1, 1, 1],
    [1, 0, 1],
    [0, 0, 0],
    [0, 0.5, 1],
    [0, Number.NaN, 1],
    [0, 1, Number.POSITIVE_INFINITY],
  ] as const) {
    const part = { from_ms, to_ms, whole_ms }
    assert.throws(() => prorateByLength(parseAmount('1'), part), /is no part of a period/)
    assert.throws(() => shareOfPeriod(parseAmount('0'), part, 'USD'), /is no part of a period/)
  }
})
