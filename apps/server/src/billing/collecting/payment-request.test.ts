import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseExact } from '../../lib/money.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import { paymentRequestOf } from './payment-request.ts'

const issued = {
  customer: { name: 'Globex', address: [], email: 'bills@globex.example', tax_id: null },
  lines: [
    { description: 'Calls', amount: '10.00' },
    { description: 'Half price', amount: '-5.00' },
  ],
  tax_rate: '19',
  tax: '0.95',
}
const invoice = {
  invoice_id: 'inv_1',
  number: 'INV-000001',
  currency: 'USD',
  due_at: 5,
  total: '5.95',
  credit_applied: '0',
  document: { issued },
} as unknown as InvoiceRow
const about = { tenantId: 'globex', reference: 'cus_1' }
const sum = (lines: readonly { amount: string }[]) =>
  lines.reduce((before, { amount }) => before.add(parseExact(amount)), parseExact('0')).toFixed(2)

test('the lines come to what is asked for, with tax and discounts among them', () => {
  const request = paymentRequestOf(invoice, { amount: '5.95', ...about })
  assert.deepEqual(request, {
    invoiceId: 'inv_1',
    number: 'INV-000001',
    tenantId: 'globex',
    amount: '5.95',
    currency: 'USD',
    customer: { name: 'Globex', email: 'bills@globex.example', reference: 'cus_1' },
    lines: [...issued.lines, { description: 'Tax, 19 %', amount: '0.95' }],
    dueAt: 5,
  })
  assert.equal(sum(request.lines), '5.95')
})

test('what the credit of earlier invoices pays is asked of nobody, and is a line', () => {
  const request = paymentRequestOf(
    { ...invoice, credit_applied: '2' },
    { amount: '3.95', ...about },
  )
  assert.deepEqual(request.lines.slice(-2), [
    { description: 'Tax, 19 %', amount: '0.95' },
    { description: 'Your credit', amount: '-2.00' },
  ])
  assert.equal(sum(request.lines), '3.95')
})

test('what was credited before is asked for no more, and is a line', () => {
  const request = paymentRequestOf(invoice, { amount: '4.95', ...about })
  assert.deepEqual(request.lines.at(-1), { description: 'Credited', amount: '-1.00' })
  assert.equal(sum(request.lines), '4.95')
})

test('each tax rate is a line', () => {
  const taxes = [
    { tax_rate: '19', subtotal: '7.00', tax: '1.33' },
    { tax_rate: '7', subtotal: '-2.00', tax: '-0.14' },
  ]
  const mixed = { ...invoice, total: '6.19', document: { issued: { ...issued, taxes } } }
  const request = paymentRequestOf(mixed as unknown as InvoiceRow, { amount: '6.19', ...about })
  assert.deepEqual(request.lines.slice(-2), [
    { description: 'Tax, 19 %', amount: '1.33' },
    { description: 'Tax, 7 %', amount: '-0.14' },
  ])
  assert.equal(sum(request.lines), '6.19')
})
