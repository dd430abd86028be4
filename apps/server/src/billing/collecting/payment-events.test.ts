import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { SECRET_KEY, startStripeServer, WEBHOOK_SECRET } from '../../../test/stripe-server.ts'
import { openPayments } from '../payments/open-payments.ts'
import { takePaymentEvent } from './take-event.ts'

const stripe = await startStripeServer(() => 0)
const settings = { secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl: stripe.url }
const node = await testNode({ stripe: settings })
after(async () => {
  await node.stop()
  await stripe.stop()
})
const billed = await billedTenants(node)
const { server } = node

type Json = Reply['body']
const PATH = '/api/billing/webhooks/stripe'

/** An open invoice over 1.00 that the provider was asked to collect. */
async function asked(): Promise<{ invoiceId: string; id: string; reference: string }> {
  const { invoiceId, id } = await billed.invoiced(10)
  const reference = `in_${crypto.randomUUID()}`
  await server.pool.query(
    'UPDATE invoice SET payment_amount = total, payment_reference = $2 WHERE invoice_id = $1',
    [invoiceId, reference],
  )
  return { invoiceId, id, reference }
}

type Told = { invoiceId: string; reference: string }

function event(type: string, { invoiceId, reference }: Told, more: object = {}): Json {
  const object = {
    id: reference,
    object: 'invoice',
    metadata: { invoice_id: invoiceId },
    total: 100,
    currency: 'usd',
    ...more,
  }
  return { id: `evt_${crypto.randomUUID()}`, object: 'event', type, data: { object } }
}

async function tell(what: object): Promise<Reply> {
  const { rawBody, headers } = stripe.signed(what, server.clock.now())
  return post(rawBody, headers)
}

async function post(body: Buffer | string, headers: Record<string, string> = {}): Promise<Reply> {
  const reply = await fetch(node.url + PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: body as string,
  })
  return { status: reply.status, headers: reply.headers, body: await reply.json() }
}

const statusOf = async (invoiceId: string) => (await billed.invoice(invoiceId)).status

async function auditOf(id: string): Promise<Json[]> {
  const query = `tenant_id=${id}&action=invoice.status_changed`
  return expectStatus(await node.admin('GET', `/api/admin/audit?${query}`), 200).body.data
}

test('an event that is not signed, was altered, is old, or signed by another has no effect', async () => {
  const one = await asked()
  const paid = event('invoice.paid', one)
  const now = server.clock.now()
  const { rawBody, headers } = stripe.signed(paid, now)
  const signature = headers['stripe-signature']!
  const altered = Buffer.from(rawBody.toString().replace('"total":100', '"total":101'))
  const forged = signature.replace(/v1=\w{4}/, 'v1=0000')
  const tries: [Buffer | string, Record<string, string>][] = [
    [rawBody, {}],
    [altered, headers],
    [rawBody.toString().replace(':', ': '), headers],
    [rawBody, { 'stripe-signature': forged }],
    [rawBody, { 'stripe-signature': '' }],
    [rawBody, stripe.signed(paid, now - 301_000).headers],
    ['', headers],
    ['not json', headers],
  ]
  for (const [body, sent] of tries) {
    const { status, body: problem } = await post(body, sent)
    assert.deepEqual([status, problem.code], [400, 'unverified_event'], String(body))
  }
  assert.equal(await statusOf(one.invoiceId), 'open')
  // With the key of anybody at all it is not taken either.
  const withKey = await post(rawBody, { authorization: `Bearer ${node.operatorKey}` })
  assert.equal(withKey.status, 400)
  assert.equal((await post(rawBody, headers)).status, 200)
  assert.equal(await statusOf(one.invoiceId), 'paid')
})

test('a body that is too large or no JSON type is refused', async () => {
  assert.equal((await post(Buffer.alloc(1024 * 1024 + 1, 0x20))).status, 413)
  assert.equal((await post('x', { 'content-type': 'text/plain' })).status, 415)
})

test('paid is paid, and paid once more is harmless', async () => {
  const one = await asked()
  assert.deepEqual((await tell(event('invoice.paid', one))).body, { received: true })
  const after = await billed.invoice(one.invoiceId)
  assert.deepEqual([after.status, after.amount_due], ['paid', '0.00'])
  expectStatus(await tell(event('invoice.paid', one)), 200)
  assert.deepEqual(await billed.invoice(one.invoiceId), after)
  const [line, ...others] = await auditOf(one.id)
  assert.deepEqual(others, [])
  assert.deepEqual(line.after, { status: 'paid', by: 'stripe', reference: one.reference })
})

test('each event counts once, also when it comes ten times at the same moment', async () => {
  const one = await asked()
  const told = event('invoice.marked_uncollectible', one)
  const replies = await Promise.all(Array.from({ length: 10 }, () => tell(told)))
  for (const reply of replies) expectStatus(reply, 200)
  assert.equal((await auditOf(one.id)).length, 1)
  await server.pool.query(`UPDATE invoice SET status = 'open' WHERE invoice_id = $1`, [
    one.invoiceId,
  ])
  expectStatus(await tell(told), 200)
  assert.equal(await statusOf(one.invoiceId), 'open')
})

test('an event whose effect fails is not remembered: sent again it counts', async () => {
  const one = await asked()
  const told = event('invoice.paid', one)
  await server.pool.query(
    `ALTER TABLE invoice ADD CONSTRAINT for_now CHECK (status <> 'paid') NOT VALID`,
  )
  assert.equal((await tell(told)).status, 500)
  await server.pool.query('ALTER TABLE invoice DROP CONSTRAINT for_now')
  expectStatus(await tell(told), 200)
  assert.equal(await statusOf(one.invoiceId), 'paid')
})

test('what a provider tells moves an invoice only forward', async () => {
  const moves: [before: string, told: string, after: string][] = [
    ['open', 'invoice.payment_failed', 'open'],
    ['open', 'invoice.marked_uncollectible', 'uncollectible'],
    ['open', 'invoice.voided', 'void'],
    ['uncollectible', 'invoice.paid', 'paid'],
    ['uncollectible', 'invoice.voided', 'void'],
    ['paid', 'invoice.voided', 'paid'],
    ['paid', 'invoice.payment_failed', 'paid'],
    ['paid', 'invoice.marked_uncollectible', 'paid'],
    ['void', 'invoice.voided', 'void'],
    ['void', 'invoice.marked_uncollectible', 'void'],
  ]
  for (const [before, told, after] of moves) {
    const one = await asked()
    const path = `/api/admin/invoices/${one.invoiceId}/status`
    if (before !== 'open') expectStatus(await node.admin('POST', path, { status: before }), 200)
    expectStatus(await tell(event(told, one)), 200)
    assert.equal(await statusOf(one.invoiceId), after, `${before}, ${told}`)
  }
})

test('an event that does not fit the invoice has no effect: amount, currency, reference, never asked', async () => {
  const one = await asked()
  for (const more of [{ total: 99 }, { total: 101 }, { total: 10_000 }, { currency: 'eur' }]) {
    expectStatus(await tell(event('invoice.paid', one, more)), 200)
  }
  expectStatus(await tell(event('invoice.paid', { ...one, reference: 'in_other' })), 200)
  assert.equal(await statusOf(one.invoiceId), 'open')
  const { invoiceId } = await billed.invoiced(10)
  expectStatus(await tell(event('invoice.paid', { invoiceId, reference: 'in_x' })), 200)
  assert.equal(await statusOf(invoiceId), 'open')
})

test('events of other kinds, of others’ invoices, and of currencies that are not collected are left out', async () => {
  const one = await asked()
  for (const what of [
    event('customer.created', one),
    event('invoice.paid', one, { metadata: {} }),
    event('invoice.paid', { ...one, invoiceId: 'inv_of_somebody_else' }),
    event('invoice.paid', { ...one, invoiceId: 'inv_00000010000000003' }),
    event('invoice.paid', one, { currency: 'ugx' }),
  ]) {
    assert.deepEqual((await tell(what)).body, { received: true })
  }
  assert.equal(await statusOf(one.invoiceId), 'open')
})

test('money for an invoice that is void is told to people: the invoice stays void', async () => {
  const one = await asked()
  const path = `/api/admin/invoices/${one.invoiceId}/status`
  expectStatus(await node.admin('POST', path, { status: 'void' }), 200)
  const lines: string[] = []
  const log = pino({}, { write: (line: string) => void lines.push(line) })
  const { pool, clock } = server
  const appendAudit = () => Promise.reject(new Error('nothing changes'))
  await takePaymentEvent(
    { pool, clock, log, appendAudit, payments: openPayments({ stripe: settings }) },
    { eventId: 'evt_late', kind: 'paid', ...one, amount: '1.00', currency: 'USD' },
  )
  assert.equal(await statusOf(one.invoiceId), 'void')
  const [line, ...others] = lines.map((text) => JSON.parse(text))
  assert.deepEqual(others, [])
  assert.equal(line.level, pino.levels.values.error)
  assert.match(line.msg, /paid after it was void: give the money back/)
  assert.equal(line.invoiceId, one.invoiceId)
})

test('where nobody collects, no event is taken', async () => {
  const manual = await testNode()
  const { rawBody, headers } = stripe.signed({ id: 'evt_1' }, manual.server.clock.now())
  const reply = await fetch(manual.url + PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: rawBody,
  })
  assert.equal(reply.status, 400)
  await manual.stop()
})
