import assert from 'node:assert/strict'
import { test } from 'node:test'
import { documentContent } from './document-content.ts'
import { creditNote, invoice, line } from '../../../test/example-documents.ts'

const totalsOf = (document: Parameters<typeof documentContent>[0]) =>
  documentContent(document).totals.map(({ label, value }) => `${label} ${value}`)

test('what is void, paid, a draft or lost says so, and an open one says when it is due', () => {
  const head = (changes: Parameters<typeof invoice>[0]) => {
    const { title, stamp, headline } = documentContent(invoice(changes))
    return [title, stamp?.text, `${headline.amount} ${headline.text}`]
  }
  assert.deepEqual(head({}), ['Invoice', undefined, '$25.00 due 15 Dec 2026'])
  assert.deepEqual(
    head({ status: 'paid', paid_at: '2026-12-03T10:00:00.000Z', amount_due: '0.00' }),
    ['Invoice', 'PAID', '$25.00 paid on 3 Dec 2026'],
  )
  assert.deepEqual(head({ status: 'void', amount_due: '0.00' }), [
    'Invoice',
    'VOID',
    '$0.00 due: this invoice is void',
  ])
  assert.deepEqual(head({ status: 'draft', number: null, issued_at: null, due_at: null }), [
    'Draft invoice',
    'DRAFT',
    '$25.00 so far',
  ])
  assert.equal(head({ status: 'uncollectible' })[1], 'UNCOLLECTIBLE')
})

test('the totals add up to what is due, whatever became of the invoice', () => {
  const money = { subtotal: '100.00', tax_rate: '19.00', tax: '19.00', total: '119.00' }
  assert.deepEqual(totalsOf(invoice({ ...money, credited: '9.00', amount_due: '110.00' })), [
    'Subtotal $100.00',
    'Tax (19%) $19.00',
    'Total $119.00',
    'Credited −$9.00',
    'Amount due $110.00',
  ])
  const paid = { ...money, status: 'paid', credited: '9.00', amount_due: '0.00' } as const
  assert.deepEqual(totalsOf(invoice(paid)).slice(2), [
    'Total $119.00',
    'Credited −$9.00',
    'Paid −$110.00',
    'Amount due $0.00',
  ])
  const byCredit = { credit_applied: '19.00', credited: '9.00', amount_due: '91.00' }
  assert.deepEqual(totalsOf(invoice({ ...money, ...byCredit })).slice(2), [
    'Total $119.00',
    'Your credit −$19.00',
    'Credited −$9.00',
    'Amount due $91.00',
  ])
  assert.equal(totalsOf(invoice({ ...paid, ...byCredit, amount_due: '0.00' }))[5], 'Paid −$91.00')
  const below = { status: 'paid', subtotal: '-5.00', total: '-5.00', amount_due: '0.00' } as const
  assert.deepEqual(totalsOf(invoice({ ...below, credit_balance: '7.00' })), [
    'Subtotal −$5.00',
    'Total −$5.00',
    'For the next invoices $5.00',
    'Amount due $0.00',
  ])
  assert.deepEqual(totalsOf(creditNote()), [
    'Subtotal $5.00',
    'Tax (19%) $0.95',
    'Total credited $5.95',
  ])
})

test('no tax is no row, and a tax of nothing is one', () => {
  assert.ok(!totalsOf(invoice()).some((text) => text.startsWith('Tax')))
  assert.ok(totalsOf(invoice({ tax_rate: '0' })).includes('Tax (0%) $0.00'))
  assert.ok(totalsOf(invoice({ tax_rate: '8.875', tax: '2.22' })).includes('Tax (8.875%) $2.22'))
})

test('a line names what is not as in the rest of its document: its period and its tax', () => {
  const period = { start: '2026-11-16T00:00:00.000Z', end: '2026-11-30T23:59:59.000Z' }
  const lines = [line({ period, tax_rate: '7.00' }), line({ tax_rate: '19.00' }), line()]
  const { rows } = documentContent(invoice({ lines, tax_rate: '19.00' }))
  assert.deepEqual(
    rows.map(({ details }) => details),
    [['16 Nov 2026 – 30 Nov 2026', 'Tax 7%'], [], ['No tax']],
  )
})

test('a discount has no quantity and no price', () => {
  const discount = line({ kind: 'discount', quantity: 1, unit_price: null, amount: '-5.00' })
  const [row] = documentContent(invoice({ lines: [discount] })).rows
  assert.deepEqual([row?.quantity, row?.unitPrice, row?.amount], ['', '', '−$5.00'])
})

test('a credit note names the invoice that it takes a part of, and why', () => {
  const { facts, notes } = documentContent(creditNote())
  const values = facts.map(({ value }) => value)
  assert.ok(values.includes('INV-2026-000042'))
  assert.ok(values.includes('Calls of 3 November failed on our side'))
  assert.match(notes[0]!, /INV-2026-000042/)
})

/** Taxed at 7 %, with a correction of what was taxed at 19 %, and one of what was not taxed. */
const CORRECTED = {
  tax_rate: '7.00',
  lines: [
    line({ amount: '100.00', tax_rate: '7.00' }),
    line({ kind: 'adjustment', amount: '-10.00', tax_rate: '19' }),
    line({ kind: 'adjustment', amount: '3.00', tax_rate: null }),
  ],
  subtotal: '93.00',
  tax: '5.10',
  total: '98.10',
  taxes: [
    { tax_rate: '7.00', subtotal: '100.00', tax: '7.00' },
    { tax_rate: '19', subtotal: '-10.00', tax: '-1.90' },
    { tax_rate: null, subtotal: '3.00', tax: '0.00' },
  ],
} as const

test('where there are several tax rates each is shown, with what it is on', () => {
  const { lines, taxes } = CORRECTED
  const changes = { ...CORRECTED, lines: [...lines], taxes: [...taxes], amount_due: '98.10' }
  assert.deepEqual(totalsOf(invoice(changes)), [
    'Subtotal $93.00',
    'Tax (7% on $100.00) $7.00',
    'Tax (19% on −$10.00) −$1.90',
    'No tax on $3.00 $0.00',
    'Total $98.10',
    'Amount due $98.10',
  ])
  // One that nothing is taxed by is no row.
  const one = { tax_rate: '7.00', subtotal: '0.00', tax: '0.00' }
  const other = { tax_rate: '19', subtotal: '5.00', tax: '0.95' }
  const note = creditNote({ tax_rate: '7.00', taxes: [one, other] })
  assert.deepEqual(totalsOf(note).slice(1, 2), ['Tax (19%) $0.95'])
})
