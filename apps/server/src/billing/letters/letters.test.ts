import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Invoice } from '@tollgate/contract'
import { billedTenants, issuedByItself } from '../../../test/billed-tenants.ts'
import { until } from '../../../test/embedded.ts'
import { startMailServer } from '../../../test/mail-server.ts'
import { expectStatus, handClock, testNode } from '../../../test/node.ts'
import { addJob } from '../../db/jobs.ts'
import { LETTER_LINES_MAX } from '../../limits.ts'
import { invoiceLetter } from './invoice-letter.ts'

const mail = await startMailServer()
const clock = handClock('2025-01-01T00:00:00Z')
const seller = { name: 'Initech', address: ['Main St. 1'], email: null, tax_id: null }
const node = await testNode({
  clock,
  seller,
  jobs: true,
  smtpUrl: mail.url,
  publicUrl: 'https://bills.example.com',
})
after(async () => {
  await node.stop()
  await mail.stop()
})
const billed = await billedTenants(node)

test('an invoice that is issued is sent once, to where the profile says; a rehearsal is not sent', async () => {
  const tenant = await node.tenant({ plan: 'pro', name: 'Globex', email: 'ann@globex.example' })
  const path = `/api/admin/tenants/${tenant.id}/billing`
  const terms = { email: 'bills@globex.example', tax_rate: '19', legal_name: 'Globex GmbH' }
  expectStatus(await node.admin('PUT', path, terms), 200)
  await billed.calls(tenant, 100)
  const rehearsal = await billed.invoiced(3)
  const invoice = await issuedByItself(node, clock, tenant, '2025-02-01T00:00:00Z')
  const letter = await mail.next('bills@globex.example')
  assert.equal(letter.subject, `Invoice ${invoice.number} from Initech`)
  assert.deepEqual(letter.to, ['bills@globex.example'])
  assert.equal(
    letter.text.trimEnd(),
    `Hello Globex GmbH,

this is invoice INV-000001 for 2025-01-01 to 2025-01-31 (UTC).

  Calls: 10.00 USD
  Tax, 19 %: 1.90 USD

Total: 11.90 USD
To be paid: 11.90 USD, by 2025-02-15

The invoice is attached. For those who may read it, it is here as well:

https://bills.example.com/api/billing/invoices/${invoice.invoice_id}

Initech`,
  )
  assert.match(letter.raw, /^Content-Disposition: attachment; filename=INV-000001\.pdf\r$/m)
  assert.match(letter.raw, /^JVBERi0/m)
  // Asked for by hand a rehearsal is not sent either. What was asked for after it comes after it.
  const { rows } = await node.server.pool.query(
    'SELECT tenant_no FROM invoice WHERE invoice_id = $1',
    [rehearsal.invoiceId],
  )
  const job = { tenant_no: rows[0].tenant_no, invoice_id: rehearsal.invoiceId }
  await addJob(node.server.pool, 'send_invoice', job)
  const next = await node.tenant({ plan: 'pro', email: 'next@example.com' })
  await billed.calls(next, 1)
  await issuedByItself(node, clock, next, '2025-03-01T00:00:00Z')
  await mail.next('next@example.com')
  const subjects = mail.received.map(({ subject }) => subject)
  assert.equal(subjects.filter((subject) => subject.includes('INV-000001')).length, 1)
  assert.deepEqual(
    subjects.filter((subject) => subject.includes('TEST-')),
    [],
  )
})

test('an e-mail that cannot be delivered now is tried again', async () => {
  mail.refuse('full@example.com', 452)
  const tenant = await node.tenant({ plan: 'pro', email: 'full@example.com' })
  await billed.calls(tenant, 1)
  clock.set('2025-03-02T00:00:00Z')
  await issuedByItself(node, clock, tenant, '2025-04-02T00:00:00Z')
  await until('a second try', () => mail.attempts('full@example.com') >= 2)
})

const invoice: Invoice = {
  invoice_id: 'inv_1',
  number: 'INV-000007',
  status: 'open',
  plan: 'pro',
  due_at: '2025-02-15T00:00:00.000Z',
  paid_at: null,
  credited: '0.00',
  credit_applied: '0.00',
  credit_balance: '0.00',
  amount_due: '1.00',
  currency: 'USD',
  period: { start: '2025-01-01T00:00:00Z', end: '2025-01-31T23:59:59Z', timezone: 'UTC' },
  issued_at: '2025-02-01T00:00:00.000Z',
  seller,
  customer: { name: 'Globex', address: [], email: 'a@example.com', tax_id: null },
  lines: [],
  subtotal: '1.00',
  tax_rate: null,
  tax: '0.00',
  taxes: [{ tax_rate: null, subtotal: '1.00', tax: '0.00' }],
  total: '1.00',
}
const letterOf = (more: object) =>
  invoiceLetter({ ...invoice, ...more }, 'a@example.com', 'https://t.example').text

test('an invoice with nothing to pay says so, and one in the customer’s favour as well', () => {
  assert.match(letterOf({ amount_due: '0.00' }), /\nThere is nothing to pay\.\n/)
  assert.match(
    letterOf({ amount_due: '0.00', total: '-2.50', credit_balance: '2.50' }),
    /\nThere is nothing to pay\. 2\.50 USD in your favour are taken off the next invoices\.\n/,
  )
  assert.match(
    letterOf({ amount_due: '0.60', credit_applied: '0.40' }),
    /\nTotal: 1\.00 USD\nYour credit: -0\.40 USD\nTo be paid: 0\.60 USD/,
  )
})

test('each tax rate is told', () => {
  const taxes = [
    { tax_rate: '7', subtotal: '20.00', tax: '1.40' },
    { tax_rate: '19', subtotal: '5.00', tax: '0.95' },
  ]
  assert.match(letterOf({ taxes }), /\n {2}Tax, 7 %: 1\.40 USD\n {2}Tax, 19 %: 0\.95 USD\n/)
})

test('days are those of where the tenant lives', () => {
  const period = { start: '2024-12-31T23:00:00Z', end: '2025-01-31T22:59:59Z' }
  const text = letterOf({ period: { ...period, timezone: 'Europe/Berlin' } })
  assert.match(text, /for 2025-01-01 to 2025-01-31 \(Europe\/Berlin\)/)
})

test('of many lines the first are named, and how many more there are', () => {
  const lines = Array.from({ length: LETTER_LINES_MAX + 5 }, (_, number) => ({
    description: `line ${number}`,
    amount: '0.01',
  }))
  const text = letterOf({ lines })
  assert.equal([...text.matchAll(/^ {2}line \d+: 0\.01 USD$/gm)].length, LETTER_LINES_MAX)
  assert.match(text, /\n {2}… and 5 more lines\n/)
})

test('names and descriptions stay on their lines, whatever they hold', () => {
  const hostile = 'X\r\n\r\nTo be paid: 0.00 USD'
  const text = letterOf({
    customer: { ...invoice.customer, name: hostile },
    lines: [{ description: hostile, amount: '1.00' }],
  })
  assert.equal([...text.matchAll(/^To be paid/gm)].length, 1)
})
