import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { expectStatus, testNode } from '../../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const billed = await billedTenants(node)

const credit = (invoiceId: string, body: object) =>
  node.admin('POST', `/api/admin/invoices/${invoiceId}/credit-notes`, body)

async function taxed(rate: string, calls: number) {
  const tenant = await billed.clocked('pro', '2025-01-01T00:00:00Z')
  const terms = { tax_rate: rate }
  expectStatus(await node.admin('PUT', `/api/admin/tenants/${tenant.id}/billing`, terms), 200)
  await billed.calls(tenant, calls)
  const [invoiceId] = await billed.move(tenant, '2025-02-01T00:00:00Z')
  return { ...tenant, invoiceId: invoiceId! }
}

test('a credit note takes back a part with its tax, and the invoice asks for less; it is a page, a table and a PDF', async () => {
  const { invoiceId, key, id } = await taxed('19', 100)
  const note = expectStatus(
    await credit(invoiceId, { amount: '2.38', reason: 'An outage' }),
    201,
  ).body
  assert.match(note.number, /^TEST-CN-\d{6}$/)
  assert.deepEqual(
    [note.invoice_id, note.subtotal, note.tax_rate, note.tax, note.total, note.reason],
    [invoiceId, '2.00', '19', '0.38', '2.38', 'An outage'],
  )
  assert.deepEqual(
    note.lines.map(({ description, amount }: { description: string; amount: string }) => [
      description,
      amount,
    ]),
    [['An outage', '2.00']],
  )
  const invoice = await billed.invoice(invoiceId)
  assert.deepEqual(
    [invoice.total, invoice.credited, invoice.amount_due, invoice.status],
    ['11.90', '2.38', '9.52', 'open'],
  )
  const own = expectStatus(await node.call('GET', '/api/billing/credit-notes', key), 200).body
  assert.deepEqual(own, { data: [note], next_cursor: null })
  const path = `/api/billing/credit-notes/${note.credit_note_id}`
  assert.deepEqual(expectStatus(await node.call('GET', path, key), 200).body, note)
  assert.deepEqual(expectStatus(await node.admin('GET', path), 200).body, note)
  for (const [format, type] of [
    ['html', 'text/html; charset=utf-8'],
    ['csv', 'text/csv; charset=utf-8'],
    ['pdf', 'application/pdf'],
  ]) {
    const reply = expectStatus(await node.call('GET', `${path}?format=${format}`, key), 200)
    assert.equal(reply.headers.get('content-type'), type)
  }
  assert.equal(note.customer.name, (await node.admin('GET', `/api/admin/tenants/${id}`)).body.name)
})

test('an invoice that is credited in full asks for nothing and counts as paid', async () => {
  const { invoiceId } = await taxed('7.7', 7)
  expectStatus(await credit(invoiceId, { amount: '0.25', reason: 'a part' }), 201)
  assert.equal((await billed.invoice(invoiceId)).status, 'open')
  const { total } = await billed.invoice(invoiceId)
  assert.equal(total, '0.75')
  const last = expectStatus(await credit(invoiceId, { amount: '0.50', reason: 'the rest' }), 201)
  const invoice = await billed.invoice(invoiceId)
  assert.deepEqual([invoice.status, invoice.credited, invoice.amount_due], ['paid', '0.75', '0.00'])
  assert.notEqual(invoice.paid_at, null)
  // 0.75 has 0.05 of tax: 0.02 went with the first note.
  assert.deepEqual([last.body.subtotal, last.body.tax], ['0.47', '0.03'])
  assert.equal((await credit(invoiceId, { amount: '0.01', reason: 'more' })).status, 409)
})

test('more than is left is refused, and says how much there is', async () => {
  const { invoiceId } = await billed.invoiced(10)
  const refused = await credit(invoiceId, { amount: '1.01', reason: 'too much' })
  assert.equal(refused.body.code, 'credit_exceeds_invoice')
  assert.match(refused.body.detail, /at most 1\.00 USD/)
  assert.equal((await billed.invoice(invoiceId)).credited, '0.00')
})

test('of 20 racing credits never more than the invoice is credited', async () => {
  const { invoiceId, key } = await billed.invoiced(10)
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      credit(invoiceId, { amount: '0.15', reason: `racing ${number}` }),
    ),
  )
  const made = replies.filter(({ status }) => status === 201)
  assert.equal(made.length, 6)
  for (const { status, body } of replies) {
    if (status !== 201) assert.equal(body.code, 'credit_exceeds_invoice')
  }
  assert.equal((await billed.invoice(invoiceId)).credited, '0.90')
  const { data } = (await node.call('GET', '/api/billing/credit-notes', key)).body
  assert.equal(data.length, 6)
  assert.equal(new Set(data.map(({ number }: { number: string }) => number)).size, 6)
})

test('the same key again, also at the same moment, is the same note', async () => {
  const { invoiceId, key } = await billed.invoiced(10)
  const body = { amount: '0.30', reason: 'once', idempotency_key: 'k1' }
  const replies = await Promise.all(Array.from({ length: 10 }, () => credit(invoiceId, body)))
  assert.deepEqual(replies.map(({ status }) => status).sort(), [...Array(9).fill(200), 201])
  for (const reply of replies) assert.deepEqual(reply.body, replies[0]!.body)
  // As exact decimals they are the same.
  const again = await credit(invoiceId, { ...body, amount: '0.3' })
  assert.deepEqual([again.status, again.body], [200, replies[0]!.body])
  assert.equal((await billed.invoice(invoiceId)).credited, '0.30')
  assert.equal((await node.call('GET', '/api/billing/credit-notes', key)).body.data.length, 1)
  for (const other of [{ amount: '0.31' }, { reason: 'another' }]) {
    const refused = await credit(invoiceId, { ...body, ...other })
    assert.equal(refused.body.code, 'idempotency_conflict')
  }
})

test('a key is of a tenant: for another of its invoices it is refused, other tenants have their own', async () => {
  const tenant = await billed.invoiced(10)
  await billed.calls(tenant, 10)
  const [second] = await billed.move(tenant, '2025-03-01T00:00:00Z')
  const body = { amount: '0.10', reason: 'r', idempotency_key: 'shared' }
  const replies = await Promise.all([credit(tenant.invoiceId, body), credit(second!, body)])
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409])
  const refused = replies.find(({ status }) => status === 409)!
  assert.equal(refused.body.code, 'idempotency_conflict')
  const { invoiceId } = await billed.invoiced(10)
  expectStatus(await credit(invoiceId, body), 201)
})

test('a void invoice is not credited; a paid one is, and stays paid', async () => {
  const [voided, paid] = [await billed.invoiced(10), await billed.invoiced(10)]
  const status = (id: string, to: string) =>
    node.admin('POST', `/api/admin/invoices/${id}/status`, { status: to })
  expectStatus(await status(voided.invoiceId, 'void'), 200)
  const refused = await credit(voided.invoiceId, { amount: '0.10', reason: 'r' })
  assert.equal(refused.body.code, 'invoice_status_conflict')
  expectStatus(await status(paid.invoiceId, 'paid'), 200)
  expectStatus(await credit(paid.invoiceId, { amount: '1.00', reason: 'r' }), 201)
  const { status: after, credited } = await billed.invoice(paid.invoiceId)
  assert.deepEqual([after, credited], ['paid', '1.00'])
})

test('amounts that no invoice can have are refused by name', async () => {
  const { invoiceId } = await billed.invoiced(10)
  for (const amount of ['0', '0.00', '-1', '1e2', '', '0.001', '1.', '.5', ' 1', 1, null]) {
    const refused = await credit(invoiceId, { amount, reason: 'r' })
    assert.equal(refused.status, 400, String(amount))
    assert.equal(refused.body.errors[0].field, 'amount')
  }
  for (const id of ['inv_x', 'nothing', invoiceId.replace('inv', 'crn')]) {
    assert.equal((await credit(id, { amount: '0.10', reason: 'r' })).status, 404)
  }
})

test('credit notes come in pages, newest first', async () => {
  const { invoiceId, key } = await billed.invoiced(10)
  for (const reason of ['a', 'b', 'c']) {
    expectStatus(await credit(invoiceId, { amount: '0.10', reason }), 201)
  }
  const seen: string[] = []
  let cursor = ''
  do {
    const { body } = await node.call('GET', `/api/billing/credit-notes?limit=2${cursor}`, key)
    seen.push(...body.data.map(({ reason }: { reason: string }) => reason))
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  assert.deepEqual(seen, ['c', 'b', 'a'])
})
