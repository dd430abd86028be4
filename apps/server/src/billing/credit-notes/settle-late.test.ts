import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

type Json = Reply['body']

/** A tenant whose corrections are credit notes, with its invoice of January over so many calls. */
async function january(calls: number, terms: object = {}) {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  const path = `/api/admin/tenants/${tenant.id}/billing`
  expectStatus(await node.admin('PUT', path, { late_usage: 'credit_note', ...terms }), 200)
  const events = await billed.calls(tenant, calls)
  const [invoiceId] = await billed.move(tenant, '2025-02-01T00:00:00Z')
  return { ...tenant, events, invoiceId: invoiceId! }
}

async function voidOf(eventId: string): Promise<void> {
  const reason = { reason: 'was wrong' }
  expectStatus(await node.admin('POST', `/api/events/${eventId}/void`, reason), 200)
}

async function notesOf({ key }: { key: string }): Promise<Json[]> {
  return expectStatus(await node.call('GET', '/api/billing/credit-notes', key), 200).body.data
}

const shown = ({ lines }: Json) =>
  lines.map(({ kind, description, quantity, amount }: Json) => [
    kind,
    description,
    quantity,
    amount,
  ])

test('what was voided after its invoice comes back by a credit note that names the lines, with the tax', async () => {
  const tenant = await january(10, { tax_rate: '20' })
  await voidOf(tenant.events[0]!)
  await voidOf(tenant.events[1]!)
  await billed.calls(tenant, 1)
  const [february] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  const [note, ...others] = await notesOf(tenant)
  assert.deepEqual(others, [])
  assert.deepEqual(shown(note), [
    ['adjustment', 'Calls, period from 2025-01-01: correction', 2, '0.20'],
  ])
  assert.deepEqual(
    [note.invoice_id, note.subtotal, note.tax, note.total],
    [tenant.invoiceId, '0.20', '0.04', '0.24'],
  )
  const sum = note.lines[0].math.reduce((all: number, { amount }: Json) => all + Number(amount), 0)
  assert.equal(sum.toFixed(2), note.lines[0].amount)
  const invoice = await billed.invoice(tenant.invoiceId)
  assert.deepEqual(
    [invoice.total, invoice.credited, invoice.amount_due, invoice.status],
    ['1.20', '0.24', '0.96', 'open'],
  )
  // What was given back is not given back again.
  assert.deepEqual(shown(await billed.invoice(february!)), [['charge', 'Calls', 1, '0.10']])
  await billed.move(tenant, '2025-04-01T00:00:00Z')
  assert.equal((await notesOf(tenant)).length, 1)
})

test('what turned out to cost more is a line of the next invoice all the same', async () => {
  const tenant = await january(10)
  await billed.calls(tenant, 3, { timestamp: '2025-01-20T00:00:00Z' })
  await voidOf(tenant.events[0]!)
  const [february] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  assert.deepEqual(await notesOf(tenant), [])
  assert.deepEqual(shown(await billed.invoice(february!)), [
    ['charge', 'Calls', 0, '0.00'],
    ['adjustment', 'Calls, period from 2025-01-01: correction', 2, '0.20'],
  ])
})

test('when all of it was wrong the whole invoice comes back, and nobody asks for it any more', async () => {
  const tenant = await january(3, { tax_rate: '19' })
  for (const event of tenant.events) await voidOf(event)
  await billed.move(tenant, '2025-03-01T00:00:00Z')
  const invoice = await billed.invoice(tenant.invoiceId)
  assert.deepEqual(
    [invoice.total, invoice.credited, invoice.amount_due, invoice.status],
    ['0.36', '0.36', '0.00', 'paid'],
  )
  assert.deepEqual(
    (await notesOf(tenant)).map(({ total }) => total),
    ['0.36'],
  )
})

test('what was credited by hand is not given back again', async () => {
  const tenant = await january(10)
  const path = `/api/admin/invoices/${tenant.invoiceId}/credit-notes`
  expectStatus(await node.admin('POST', path, { amount: '0.95', reason: 'goodwill' }), 201)
  await voidOf(tenant.events[0]!)
  await billed.calls(tenant, 5)
  const [february] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  // Nine calls cost 0.90, and 0.95 were credited: of the 1.00 that was asked 0.05 are left to give back.
  const [note, ...others] = await notesOf(tenant)
  assert.equal(others.length, 1)
  assert.deepEqual(shown(note), [
    ['adjustment', 'Calls, period from 2025-01-01: correction', 1, '0.10'],
    ['adjustment', 'Credited above what it costs, period from 2025-01-01: correction', -1, '-0.05'],
  ])
  const { credited, amount_due, status } = await billed.invoice(tenant.invoiceId)
  assert.deepEqual([credited, amount_due, status], ['1.00', '0.00', 'paid'])
  assert.deepEqual(shown(await billed.invoice(february!)), [['charge', 'Calls', 5, '0.50']])
})

test('never more than the invoice: what it cannot give back is taken off the next one', async () => {
  const tenant = await january(10, { late_usage: 'next_invoice' })
  for (const event of tenant.events.slice(0, 4)) await voidOf(event)
  const february = await billed.calls(tenant, 5)
  const [second] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  // 0.50 of February less 0.40 of January: it asks for 0.10.
  assert.equal((await billed.invoice(second!)).total, '0.10')
  const path = `/api/admin/tenants/${tenant.id}/billing`
  expectStatus(await node.admin('PUT', path, { late_usage: 'credit_note' }), 200)
  for (const event of february.slice(0, 2)) await voidOf(event)
  await billed.calls(tenant, 3)
  const [third] = await billed.move(tenant, '2025-04-01T00:00:00Z')
  assert.deepEqual(await notesOf(tenant), [])
  assert.deepEqual(shown(await billed.invoice(third!)), [
    ['charge', 'Calls', 3, '0.30'],
    ['adjustment', 'Calls, period from 2025-02-01: correction', -2, '-0.20'],
  ])
})

test('the upcoming invoice is without what will be given back by a credit note', async () => {
  const tenant = await january(10)
  await voidOf(tenant.events[0]!)
  await billed.calls(tenant, 2)
  const upcoming = async () => {
    const reply = await node.call('GET', '/api/billing/upcoming', tenant.key)
    return shown(expectStatus(reply, 200).body)
  }
  assert.deepEqual(await upcoming(), [['charge', 'Calls', 2, '0.20']])
  // What is to be paid for in the end is on it.
  await billed.calls(tenant, 3, { timestamp: '2025-01-20T00:00:00Z' })
  assert.deepEqual(await upcoming(), [
    ['charge', 'Calls', 2, '0.20'],
    ['adjustment', 'Calls, period from 2025-01-01: correction', 2, '0.20'],
  ])
})

test('a correction that comes after a credit note is worked out against what was given back', async () => {
  const tenant = await january(10)
  await voidOf(tenant.events[0]!)
  await billed.move(tenant, '2025-03-01T00:00:00Z')
  await voidOf(tenant.events[1]!)
  await billed.move(tenant, '2025-04-01T00:00:00Z')
  assert.deepEqual(
    (await notesOf(tenant)).map(({ total }) => total),
    ['0.10', '0.10'],
  )
  assert.equal((await billed.invoice(tenant.invoiceId)).credited, '0.20')
})
