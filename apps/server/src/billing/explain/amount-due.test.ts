import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { InvoiceExplanation } from '@tollgate/contract'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)
type Tenant = { id: string; key: string }

/** So many calls at 0.10 in a month, some of earlier ones taken back, and the id of its invoice. */
async function month(
  tenant: Tenant,
  calls: number,
  until: string,
  voided: string[] = [],
): Promise<{ id: string; events: string[] }> {
  for (const event of voided) {
    expectStatus(await node.admin('POST', `/api/events/${event}/void`, { reason: 'x' }), 200)
  }
  const events = await billed.calls(tenant, calls)
  const [id] = await billed.move(tenant, until)
  return { id: id!, events }
}

/** And sees that its parts add up: lines to the subtotal, and so on to what is due. */
async function explain({ key }: Tenant, id: string): Promise<InvoiceExplanation> {
  const path = `/api/billing/invoices/${id}/explain`
  const found: InvoiceExplanation = expectStatus(await node.call('GET', path, key), 200).body
  const invoice = await billed.invoice(id)
  const sum = (amounts: string[]) =>
    formatMoney(
      amounts.reduce((all, amount) => all.add(parseExact(amount)), NOTHING),
      'USD',
    )
  const of = (name: string) => found.totals.filter(({ what }) => what === name)[0]?.amount ?? '0.00'
  const fromTotal = found.totals.slice(
    found.totals.findIndex(({ what }) => what === 'total'),
    -1,
  )
  assert.equal(sum(fromTotal.map(({ amount }) => amount)), of('amount_due'))
  assert.equal(of('amount_due'), invoice.amount_due)
  assert.equal(of('total'), invoice.total)
  assert.equal(sum(found.lines.map(({ amount }) => amount)), invoice.subtotal)
  assert.equal(sum(found.credit_from.map(({ amount }) => amount)), invoice.credit_applied)
  return found
}

const due = ({ totals }: InvoiceExplanation) =>
  totals.slice(3).map(({ what, amount }) => `${what} ${amount}`)
const from = ({ credit_from }: InvoiceExplanation) =>
  credit_from.map(({ number, total, amount }) => [number, total, amount])

/** Invoices of January over 2.00, of February and March below zero: −0.50 and −0.30. */
async function twiceBelowZero() {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  const january = await month(tenant, 20, '2025-02-01T00:00:00Z')
  const february = await month(tenant, 3, '2025-03-01T00:00:00Z', january.events.slice(0, 8))
  const march = await month(tenant, 2, '2025-04-01T00:00:00Z', january.events.slice(8, 13))
  const numbers = await Promise.all(
    [february, march].map(async ({ id }) => (await billed.invoice(id)).number as string),
  )
  return { tenant, january, february, march, numbers: numbers as [string, string] }
}

test('credit that an invoice took is followed to the invoices below zero that left it over', async () => {
  const { tenant, february, march, numbers } = await twiceBelowZero()
  const below = await explain(tenant, february.id)
  assert.deepEqual(due(below), ['left_over 0.50', 'amount_due 0.00'])
  assert.equal(below.totals.at(-1)!.rule, 'from the total on: -0.50 + 0.50')
  assert.deepEqual(from(below), [])
  const april = await explain(tenant, (await month(tenant, 4, '2025-05-01T00:00:00Z')).id)
  assert.deepEqual(due(april), ['credit_applied -0.40', 'amount_due 0.00'])
  assert.deepEqual(from(april), [[numbers[0], '-0.50', '0.40']])
  const may = await explain(tenant, (await month(tenant, 9, '2025-06-01T00:00:00Z')).id)
  assert.deepEqual(due(may), ['credit_applied -0.40', 'amount_due 0.50'])
  assert.deepEqual(from(may), [
    [numbers[0], '-0.50', '0.10'],
    [numbers[1], '-0.30', '0.30'],
  ])
  assert.deepEqual(
    may.credit_from.map(({ invoice_id }) => invoice_id),
    [february.id, march.id],
  )
  const [rule] = may.totals.filter(({ what }) => what === 'credit_applied')
  assert.equal(
    rule!.rule,
    `what earlier invoices below zero left over, the oldest first: 0.10 of ${numbers[0]} (−0.50), 0.30 of ${numbers[1]} (−0.30)`,
  )
  const june = await explain(tenant, (await month(tenant, 1, '2025-07-01T00:00:00Z')).id)
  assert.deepEqual([due(june), from(june)], [['amount_due 0.10'], []])
})

test('void, paid or credited, the parts of an invoice come to what is due', async () => {
  const { tenant, numbers } = await twiceBelowZero()
  const april = await month(tenant, 9, '2025-05-01T00:00:00Z')
  assert.deepEqual(due(await explain(tenant, april.id)), [
    'credit_applied -0.80',
    'amount_due 0.10',
  ])
  const mark = (id: string, status: string) =>
    node.admin('POST', `/api/admin/invoices/${id}/status`, { status })
  expectStatus(await mark(april.id, 'void'), 200)
  assert.deepEqual(due(await explain(tenant, april.id)), [
    'credit_applied -0.80',
    'credit_given_back 0.80',
    'void -0.90',
    'amount_due 0.00',
  ])
  const may = await month(tenant, 12, '2025-06-01T00:00:00Z')
  const credit = (amount: string) =>
    node.admin('POST', `/api/admin/invoices/${may.id}/credit-notes`, { amount, reason: 'r' })
  expectStatus(await credit('0.10'), 201)
  assert.deepEqual(due(await explain(tenant, may.id)), [
    'credit_applied -0.80',
    'credited -0.10',
    'amount_due 0.30',
  ])
  expectStatus(await mark(may.id, 'paid'), 200)
  assert.deepEqual(due(await explain(tenant, may.id)), [
    'credit_applied -0.80',
    'credited -0.10',
    'paid -0.30',
    'amount_due 0.00',
  ])
  expectStatus(await credit('0.50'), 201)
  const credited = await explain(tenant, may.id)
  assert.deepEqual(due(credited), [
    'credit_applied -0.80',
    'credited -0.60',
    'credit_given_back 0.20',
    'amount_due 0.00',
  ])
  // What came back of April went to where it came from; what it took then does not change.
  for (const id of [april.id, may.id]) {
    assert.deepEqual(from(await explain(tenant, id)), [
      [numbers[0], '-0.50', '0.50'],
      [numbers[1], '-0.30', '0.30'],
    ])
  }
  const june = await explain(tenant, (await month(tenant, 1, '2025-07-01T00:00:00Z')).id)
  assert.deepEqual(from(june), [[numbers[1], '-0.30', '0.10']])
})

test('every document shows the credit that was taken', async () => {
  const { tenant } = await twiceBelowZero()
  const { id } = await month(tenant, 9, '2025-05-01T00:00:00Z')
  const show = async (format: string) => {
    const path = `/api/billing/invoices/${id}?format=${format}`
    return expectStatus(await node.call('GET', path, tenant.key), 200).body as string
  }
  assert.match(await show('csv'), /credit_applied,Credit applied,.*,0\.80,/)
  assert.match(await show('html'), /Your credit.*?−\$0\.80/s)
})
