import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  decimalFromMicros,
  formatMoney,
  formatPrice,
  isAmount,
  isCurrency,
  parseAmount,
  roundMoney,
} from './money.ts'

test('money is rounded half-even to the smallest unit of its currency', () => {
  const table: [string, string, string][] = [
    ['0.005', 'USD', '0.00'],
    ['0.015', 'USD', '0.02'],
    ['0.025', 'USD', '0.02'],
    ['0.0250000001', 'USD', '0.03'],
    ['-0.015', 'USD', '-0.02'],
    ['-0.001', 'USD', '0.00'],
    ['25', 'USD', '25.00'],
    ['2.5', 'JPY', '2'],
    ['3.5', 'JPY', '4'],
    ['1.0005', 'KWD', '1.000'],
    ['999999999999999.995', 'EUR', '1000000000000000.00'],
  ]
  for (const [value, currency, expected] of table) {
    assert.equal(formatMoney(parseAmount(value), currency), expected, `${value} ${currency}`)
  }
})

test('a unit price is shown in full', () => {
  assert.equal(formatPrice(parseAmount('0.1'), 'USD'), '0.10')
  assert.equal(formatPrice(parseAmount('0.000002'), 'USD'), '0.000002')
  assert.equal(formatPrice(parseAmount('0'), 'JPY'), '0')
})

test('the largest quantity at the finest price loses no digit', () => {
  const value = decimalFromMicros(2n ** 63n - 1n).mul(parseAmount('999999999999999.999999999999'))
  const digits = ((2n ** 63n - 1n) * (10n ** 27n - 1n)).toString()
  assert.equal(value.toFixed(), `${digits.slice(0, -18)}.${digits.slice(-18)}`)
})

test('rounding what is rounded changes nothing', () => {
  const amounts = fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n })
  fc.assert(
    fc.property(amounts, fc.constantFrom('USD', 'JPY', 'KWD'), (micros, currency) => {
      const once = roundMoney(decimalFromMicros(micros), currency)
      assert.ok(roundMoney(once, currency).eq(once))
      assert.ok(parseAmount(formatMoney(once, currency)).eq(once))
    }),
  )
})

test('what is no decimal amount or no currency is refused', () => {
  for (const text of ['', '.5', '5.', '1e3', '0x1', '1,5', ' 1', 'NaN', 'Infinity', '+1', '1_0']) {
    assert.equal(isAmount(text), false, text)
    assert.throws(() => parseAmount(text), /is not a decimal amount/)
  }
  for (const code of ['usd', 'US', 'XYZ', '', 'DOLLAR']) assert.equal(isCurrency(code), false, code)
  assert.throws(() => formatMoney(parseAmount('1'), 'XYZ'), /is not an ISO 4217 currency/)
})
