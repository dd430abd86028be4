import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDecimal, formatMoneyText, formatQuantity, quantityText } from './format-amount.ts'

test('an amount is shown with its currency, thousands grouped, and no digit lost', () => {
  const examples: [text: string, currency: string, shown: string][] = [
    ['25.00', 'USD', '$25.00'],
    ['-1234.50', 'EUR', '−€1,234.50'],
    ['0.00', 'USD', '$0.00'],
    ['1000', 'JPY', '¥1,000'],
    ['999999', 'KRW', '₩999,999'],
    ['1.234', 'KWD', 'KWD\u00a01.234'],
    ['12.50', 'CHF', 'CHF\u00a012.50'],
    ['12.50', 'CAD', 'CA$12.50'],
    ['0.000000000001', 'USD', '$0.000000000001'],
    ['123456789012345678901234567890.12', 'USD', '$123,456,789,012,345,678,901,234,567,890.12'],
    ['5.00', '???', '???\u00a05.00'],
  ]
  for (const [text, currency, shown] of examples) {
    assert.equal(formatMoneyText(text, currency), shown)
  }
})

test('a number is filled up to the digits of its currency, and never cut to them', () => {
  assert.equal(formatDecimal('20', 2), '20.00')
  assert.equal(formatDecimal('0.5', 2), '0.50')
  assert.equal(formatDecimal('0.003446', 2), '0.003446')
  assert.equal(formatDecimal('7', 0), '7')
  assert.equal(formatDecimal('no number', 2), 'no number')
})

test('a decimal of any length is the same when its commas are taken out', () => {
  const decimal = fc
    .tuple(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.stringMatching(/^\d{0,20}$/))
    .map(([whole, decimals]) => (decimals === '' ? `${whole}` : `${whole}.${decimals}`))
  fc.assert(
    fc.property(decimal, (text) => {
      const shown = formatDecimal(text)
      assert.equal(shown.replaceAll(',', '').replace('−', '-'), text)
      assert.match(shown, /^−?\d{1,3}(,\d{3})*(\.\d+)?$/)
    }),
  )
})

test('a quantity has no exponent, however large or small', () => {
  assert.equal(formatQuantity(1234567.5), '1,234,567.5')
  assert.equal(formatQuantity(0), '0')
  assert.equal(quantityText(1.5e21), '1500000000000000000000')
  assert.equal(quantityText(1e-7), '0.0000001')
  assert.equal(quantityText(-2.5e-8), '-0.000000025')
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (quantity) => {
      assert.match(quantityText(quantity), /^-?\d+(\.\d+)?$/)
      assert.equal(Number(quantityText(quantity)) === quantity, true)
    }),
  )
})
