import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { InvoiceExplanation } from '@tollgate/contract'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { verifyInvoices } from '../verify/verify-invoices.ts'

// Each example is worked out in its comments. A call costs 0.10.

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

type Json = Reply['body']
type Tenant = { id: string; key: string }
const LATE = { timestamp: '2025-01-20T00:00:00Z' }

/** A tenant with its invoice of January over so many calls. */
async function january(calls: number, terms: object = { late_usage: 'next_invoice' }) {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  await agree(tenant, terms)
  const events = await billed.calls(tenant, calls)
  const [invoiceId] = await billed.move(tenant, '2025-02-01T00:00:00Z')
  return { ...tenant, events, invoiceId: invoiceId! }
}

/** Moves to the first of a month, in which the invoice of the one before is issued. */
async function next(tenant: Tenant, month: number): Promise<Json> {
  const shown = await upcoming(tenant)
  const [id] = await billed.move(tenant, `2025-${String(month).padStart(2, '0')}-01T00:00:00Z`)
  const invoice = await billed.invoice(id!)
  assert.deepEqual(
    [shown.lines, shown.taxes, shown.total],
    [invoice.lines, invoice.taxes, invoice.total],
    'what was upcoming is what is issued',
  )
  await assertVerified()
  return invoice
}

async function agree({ id }: Tenant, terms: object): Promise<void> {
  expectStatus(await node.admin('PUT', `/api/admin/tenants/${id}/billing`, terms), 200)
}

async function upcoming({ key }: Tenant): Promise<Json> {
  return expectStatus(await node.call('GET', '/api/billing/upcoming', key), 200).body
}

async function assertVerified(): Promise<void> {
  const client = await node.server.pool.connect()
  try {
    const { differences } = await verifyInvoices(client, node.server.catalog)
    assert.deepEqual(differences, [])
  } finally {
    client.release()
  }
}

async function makeVoid(invoiceId: string): Promise<void> {
  const path = `/api/admin/invoices/${invoiceId}/status`
  expectStatus(await node.admin('POST', path, { status: 'void' }), 200)
}

async function voidCalls(events: readonly string[]): Promise<void> {
  for (const event of events) {
    expectStatus(await node.admin('POST', `/api/events/${event}/void`, { reason: 'wrong' }), 200)
  }
}

async function credit(invoiceId: string, amount: string): Promise<Json> {
  const body = { amount, reason: 'goodwill' }
  const reply = await node.admin('POST', `/api/admin/invoices/${invoiceId}/credit-notes`, body)
  return expectStatus(reply, 201).body
}

async function notesOf({ key }: Tenant): Promise<Json[]> {
  return expectStatus(await node.call('GET', '/api/billing/credit-notes', key), 200).body.data
}

async function explain({ key }: Tenant, { invoice_id }: Json): Promise<InvoiceExplanation> {
  const path = `/api/billing/invoices/${invoice_id}/explain`
  return expectStatus(await node.call('GET', path, key), 200).body
}

const corrections = ({ lines }: Json): [string, string][] =>
  lines
    .filter(({ kind }: Json) => kind === 'adjustment')
    .map(({ description, amount }: Json) => [description, amount])
const CALLS = 'Calls, period from 2025-01-01: correction'
const CREDITED = 'Credited above what it costs, period from 2025-01-01: correction'

test('a period whose invoice is void is closed: nothing of it is asked or given back any more', async () => {
  for (const late_usage of ['next_invoice', 'credit_note']) {
    const tenant = await january(10, { late_usage })
    await makeVoid(tenant.invoiceId)
    await voidCalls(tenant.events.slice(0, 4))
    await billed.calls(tenant, 7, LATE)
    await billed.calls(tenant, 1)
    const february = await next(tenant, 3)
    assert.deepEqual([corrections(february), february.total], [[], '0.10'])
    assert.deepEqual(await notesOf(tenant), [])
  }
})

test('what a void invoice asked for other periods is asked again, once, and named', async () => {
  const tenant = await january(10)
  const late = await billed.calls(tenant, 3, LATE)
  await billed.calls(tenant, 5)
  // 0.50 of February, and 0.30 for the three of January.
  const february = await next(tenant, 3)
  assert.deepEqual([corrections(february), february.total], [[[CALLS, '0.30']], '0.80'])
  await makeVoid(february.invoice_id)
  // Another one of January: 14 calls cost 1.40, and only the 1.00 of its own invoice stands.
  await billed.calls(tenant, 1, LATE)
  await billed.calls(tenant, 1)
  const march = await next(tenant, 4)
  assert.deepEqual([corrections(march), march.total], [[[CALLS, '0.40']], '0.50'])
  const [, correction] = (await explain(tenant, march)).lines
  assert.match(
    correction!.rule,
    new RegExp(`^what it costs .*, not counting ${february.number}, now void; per unit`),
  )
  assert.deepEqual(
    correction!.late!.lines.slice(0, 3).map(({ event_id }) => event_id),
    late,
  )
  assert.equal(correction!.late!.lines.length, 4)
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 5)), [])
})

test('what a void invoice gave back is given back again, by the setting of that time', async () => {
  const tenant = await january(10)
  await voidCalls(tenant.events.slice(0, 2))
  await billed.calls(tenant, 5)
  // 0.50 less the 0.20 of January.
  const february = await next(tenant, 3)
  assert.equal(february.total, '0.30')
  await makeVoid(february.invoice_id)
  await agree(tenant, { late_usage: 'credit_note' })
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 4)), [])
  const [note, ...others] = await notesOf(tenant)
  assert.deepEqual([note.invoice_id, note.total, others], [tenant.invoiceId, '0.20', []])
})

test('a credit by hand and corrections together never bring a period below nothing, in any order', async () => {
  const tenant = await january(10)
  await voidCalls(tenant.events.slice(0, 9))
  await billed.calls(tenant, 20)
  // One call is left of January: 0.90 of the 1.00 go back.
  assert.deepEqual(corrections(await next(tenant, 3)), [[CALLS, '-0.90']])
  // All of January's invoice is credited. 1.00 less 0.90 less 1.00 would be 0.90 too little.
  await credit(tenant.invoiceId, '1.00')
  await billed.calls(tenant, 1)
  const march = await next(tenant, 4)
  assert.deepEqual(corrections(march), [[CREDITED, '0.90']])
  const [, line] = (await explain(tenant, march)).lines
  assert.match(line!.rule, /what people credited .* never comes to less than nothing$/)
  // Five more are 0.60: the credit of 1.00 covers them.
  await billed.calls(tenant, 5, LATE)
  await billed.calls(tenant, 1)
  const april = await next(tenant, 5)
  assert.deepEqual(corrections(april), [
    [CALLS, '0.50'],
    [CREDITED, '-0.50'],
  ])
  assert.equal(april.total, '0.10')
  // Ten more are 1.60, of which 1.00 was credited: 0.60 are due.
  await billed.calls(tenant, 10, LATE)
  await billed.calls(tenant, 1)
  const may = await next(tenant, 6)
  assert.deepEqual(corrections(may), [
    [CALLS, '1.00'],
    [CREDITED, '-0.40'],
  ])
  assert.equal(may.total, '0.70')
})

test('a credit of what a period costs, with no correction, asks for nothing', async () => {
  const tenant = await january(10)
  await credit(tenant.invoiceId, '0.40')
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 3)), [])
  // Six calls less are 0.40: just what was credited is kept. All the same were credited first.
  await voidCalls(tenant.events.slice(0, 6))
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 4)), [[CALLS, '-0.60']])
  // One less again is 0.30, and 0.40 were credited.
  await voidCalls(tenant.events.slice(6, 7))
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 5)), [
    [CALLS, '-0.10'],
    [CREDITED, '0.10'],
  ])
})

test('what is credited of a correction is not asked again', async () => {
  const tenant = await january(10)
  await billed.calls(tenant, 20, LATE)
  // Nothing of February, and 2.00 for January.
  const february = await next(tenant, 3)
  assert.equal(february.total, '2.00')
  await credit(february.invoice_id, '2.00')
  await billed.calls(tenant, 1)
  assert.deepEqual(corrections(await next(tenant, 4)), [])
  // All thirty calls were wrong: 3.00 were asked for them and 2.00 credited, so 1.00 is given back.
  await voidCalls(tenant.events)
  const log = await node.call('GET', '/api/entries?limit=200', tenant.key)
  const calls = expectStatus(log, 200).body.data.filter(
    ({ kind, occurred_at }: Json) => kind === 'call' && occurred_at === '2025-01-20T00:00:00.000Z',
  )
  assert.equal(calls.length, 20)
  await voidCalls(calls.map(({ event_id }: Json) => event_id))
  await billed.calls(tenant, 1)
  assert.equal((await next(tenant, 5)).total, '-0.90')
})

test('a correction is taxed as the invoice that it corrects, and each rate is rounded by itself', async () => {
  const tenant = await january(100, { tax_rate: '19' })
  await agree(tenant, { tax_rate: '7' })
  await billed.calls(tenant, 3, LATE)
  await billed.calls(tenant, 50)
  // 7 % of 5.00 are 0.35, 19 % of 0.30 are 0.057, that is 0.06: together 0.41.
  const february = await next(tenant, 3)
  assert.deepEqual(
    february.lines.map(({ amount, tax_rate }: Json) => [amount, tax_rate]),
    [
      ['5.00', '7'],
      ['0.30', '19'],
    ],
  )
  assert.deepEqual(february.taxes, [
    { tax_rate: '7', subtotal: '5.00', tax: '0.35' },
    { tax_rate: '19', subtotal: '0.30', tax: '0.06' },
  ])
  const { subtotal, tax_rate, tax, total } = february
  assert.deepEqual([subtotal, tax_rate, tax, total], ['5.30', '7', '0.41', '5.71'])
  const { totals } = await explain(tenant, february)
  assert.match(
    totals[1]!.rule,
    /^7 % of 5\.00, 19 % of 0\.30, each rounded half-even: a correction/,
  )

  // Half of it, then the rest: by rate in proportion to 5.35 and 0.36. Of 2.86 the first share is
  // 2.86 × 5.35 ÷ 5.71 = 2.6797, so 2.68 with 0.18 of tax in it; the other 0.18, with 0.03 in it.
  const first = await credit(february.invoice_id, '2.86')
  assert.deepEqual(first.taxes, [
    { tax_rate: '7', subtotal: '2.50', tax: '0.18' },
    { tax_rate: '19', subtotal: '0.15', tax: '0.03' },
  ])
  assert.deepEqual(
    first.lines.map(({ amount, tax_rate: rate }: Json) => [amount, rate]),
    [
      ['2.50', '7'],
      ['0.15', '19'],
    ],
  )
  const second = await credit(february.invoice_id, '2.85')
  assert.deepEqual(second.taxes, [
    { tax_rate: '7', subtotal: '2.50', tax: '0.17' },
    { tax_rate: '19', subtotal: '0.15', tax: '0.03' },
  ])
  await assertVerified()
})

test('who pays no tax any more pays it on corrections of what was taxed, and the other way round', async () => {
  const tenant = await january(10, { tax_rate: '20' })
  await agree(tenant, { tax_rate: null })
  await billed.calls(tenant, 5, LATE)
  await billed.calls(tenant, 1)
  const february = await next(tenant, 3)
  assert.deepEqual(february.taxes, [
    { tax_rate: null, subtotal: '0.10', tax: '0.00' },
    { tax_rate: '20', subtotal: '0.50', tax: '0.10' },
  ])
  await agree(tenant, { tax_rate: '10' })
  await billed.calls(tenant, 2, { timestamp: '2025-02-20T00:00:00Z' })
  await billed.calls(tenant, 1)
  const march = await next(tenant, 4)
  assert.deepEqual(march.taxes, [
    { tax_rate: '10', subtotal: '0.10', tax: '0.01' },
    { tax_rate: null, subtotal: '0.20', tax: '0.00' },
  ])
  assert.equal(march.total, '0.31')
})

test('a credit note made by corrections has the tax of its invoice, whatever holds now', async () => {
  const tenant = await january(10, { tax_rate: '20', late_usage: 'credit_note' })
  await agree(tenant, { tax_rate: '5' })
  await voidCalls(tenant.events.slice(0, 5))
  await billed.calls(tenant, 1)
  const february = await next(tenant, 3)
  assert.deepEqual(february.taxes, [{ tax_rate: '5', subtotal: '0.10', tax: '0.00' }])
  const [note] = await notesOf(tenant)
  assert.deepEqual(note.taxes, [{ tax_rate: '20', subtotal: '0.50', tax: '0.10' }])
  assert.equal(note.total, '0.60')
})
