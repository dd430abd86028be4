import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type Discount, totalInvoice } from './totals.ts'

const amounts = fc.nat(10_000_000).map((cents) => (cents / 100).toFixed(2))
const percents = fc.nat(10_000).map((hundredths) => (hundredths / 100).toFixed(2))
const discounts = fc.oneof(
  percents.map((percent): Discount => ({ description: 'P', kind: 'percentage', percent })),
  amounts.map((amount): Discount => ({ description: 'A', kind: 'amount', amount })),
)

test('the lines add up to the subtotal, and the subtotal and the tax to the total', () => {
  fc.assert(
    fc.property(
      fc.array(amounts, { maxLength: 8 }),
      fc.array(discounts, { maxLength: 4 }),
      fc.option(amounts),
      fc.option(percents),
      (charges, discounts, minimumCommitment, taxRate) => {
        const lines = charges.map((amount) => ({ amount }))
        const invoice = { currency: 'USD', lines, discounts, minimumCommitment, taxRate }
        const totals = totalInvoice(invoice)
        const sum = [...lines, ...totals.lines].reduce(
          (before, { amount }) => before.add(parseExact(amount)),
          NOTHING,
        )
        assert.equal(totals.subtotal, formatMoney(sum, 'USD'))
        assert.equal(totals.total, formatMoney(sum.add(parseExact(totals.tax)), 'USD'))
        assert.ok(sum.gte(0), 'discounts never take more than there is')
      },
    ),
  )
})

test('without anything, nothing is due', () => {
  assert.deepEqual(totalInvoice({ currency: 'JPY', lines: [] }), {
    lines: [],
    subtotal: '0',
    tax_rate: null,
    tax: '0',
    taxes: [{ tax_rate: null, subtotal: '0', tax: '0' }],
    total: '0',
  })
})

test('a discount of 100 % leaves nothing, and no tax', () => {
  const discounts: Discount[] = [{ description: 'All', kind: 'percentage', percent: '100' }]
  const lines = [{ amount: '0.01' }, { amount: '99.99' }]
  const { subtotal, total } = totalInvoice({ currency: 'USD', lines, discounts, taxRate: '19' })
  assert.deepEqual([subtotal, total], ['0.00', '0.00'])
})

test('a credit takes its tax back, and is not discounted', () => {
  const discounts: Discount[] = [{ description: 'Half', kind: 'percentage', percent: '50' }]
  const lines = [{ amount: '-100.00' }]
  const totals = totalInvoice({ currency: 'USD', lines, discounts, taxRate: '19' })
  assert.deepEqual([totals.lines, totals.tax, totals.total], [[], '-19.00', '-119.00'])
})

test('the order of discounts is the order in which they were given', () => {
  const tenPercent: Discount = { description: 'P', kind: 'percentage', percent: '10' }
  const five: Discount = { description: 'A', kind: 'amount', amount: '5' }
  const lines = [{ amount: '100.00' }]
  const subtotal = (...discounts: Discount[]) =>
    totalInvoice({ currency: 'USD', lines, discounts }).subtotal
  assert.equal(subtotal(tenPercent, five), '85.00')
  assert.equal(subtotal(five, tenPercent), '85.50')
})

test('what cannot be meant is refused', () => {
  const lines = [{ amount: '1.00' }]
  const usd = { currency: 'USD', lines }
  assert.throws(() => totalInvoice({ ...usd, currency: 'XXXX' }), /ISO 4217/)
  assert.throws(() => totalInvoice({ ...usd, lines: [{ amount: '0.005' }] }), /is not rounded/)
  assert.throws(() => totalInvoice({ ...usd, lines: [{ amount: 'NaN' }] }), RangeError)
  assert.throws(() => totalInvoice({ ...usd, taxRate: '-1' }), /below zero/)
  assert.throws(() => totalInvoice({ ...usd, taxRate: '100.01' }), /more than 100/)
  assert.throws(() => totalInvoice({ ...usd, minimumCommitment: '-1' }), /below zero/)
  const negative: Discount = { description: 'A', kind: 'amount', amount: '-5' }
  assert.throws(() => totalInvoice({ ...usd, discounts: [negative] }), /below zero/)
})
