import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { microsFromNumber, numberFromMicros, UNITS_MAX } from './micros.ts'

const MICROS_MAX = BigInt(UNITS_MAX) * 1_000_000n

test('a number is taken as its decimal text says', () => {
  const table: [number, bigint][] = [
    [0, 0n],
    [-0, 0n],
    [1, 1_000_000n],
    [0.1, 100_000n],
    [4.4, 4_400_000n],
    [1.1, 1_100_000n],
    [1e-6, 1n],
    [-1e-6, -1n],
    [-2.5, -2_500_000n],
    [123456.789012, 123_456_789_012n],
    [4_299_999_999.000001, 4_299_999_999_000_001n],
    [UNITS_MAX, MICROS_MAX],
    [-UNITS_MAX, -MICROS_MAX],
  ]
  for (const [value, micros] of table) assert.equal(microsFromNumber(value), micros, String(value))
})

test('a number that would have to be rounded is refused', () => {
  const refused = [
    1e-7,
    0.1234567,
    0.1 + 0.2,
    UNITS_MAX + 0.5,
    -UNITS_MAX - 1,
    1e21,
    Number.MAX_VALUE,
    Number.MIN_VALUE,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
  ]
  for (const value of refused) assert.equal(microsFromNumber(value), null, String(value))
})

test('every amount survives the trip to a number and back', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -MICROS_MAX, max: MICROS_MAX }), (micros) => {
      assert.equal(microsFromNumber(numberFromMicros(micros)), micros)
    }),
  )
})

test('the number of any sum of amounts has at most six decimals', () => {
  const sums = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n })
  fc.assert(
    fc.property(sums, (micros) => {
      assert.match(String(numberFromMicros(micros)), /^-?\d+(\.\d{1,6})?$/)
    }),
  )
})

test('numbers with up to six decimals mean exactly their digits', () => {
  const parts = fc.tuple(fc.nat(2 ** 31), fc.nat(999_999), fc.integer({ min: 0, max: 6 }))
  fc.assert(
    fc.property(parts, ([whole, fraction, digits]) => {
      const decimals = String(fraction).padStart(6, '0').slice(0, digits)
      const expected = BigInt(whole) * 1_000_000n + BigInt(decimals.padEnd(6, '0'))
      assert.equal(microsFromNumber(Number(`${whole}.${decimals}`)), expected)
    }),
  )
})
