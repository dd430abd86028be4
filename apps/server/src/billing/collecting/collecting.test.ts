import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { billedTenants, issuedByItself } from '../../../test/billed-tenants.ts'
import { until } from '../../../test/embedded.ts'
import { expectStatus, handClock, type Reply, testNode } from '../../../test/node.ts'
import { SECRET_KEY, startStripeServer, WEBHOOK_SECRET } from '../../../test/stripe-server.ts'
import { appendAudit } from '../../access/audit/append.ts'
import { addJob } from '../../db/jobs.ts'
import { openPayments } from '../payments/open-payments.ts'
import type { PaymentProvider } from '../payments/types.ts'
import { askForBilling } from '../tasks.ts'
import { requestPayment } from './request-payment.ts'

const START = '2025-01-01T00:00:00Z'
const clock = handClock(START)
const stripe = await startStripeServer(() => clock.now())
const settings = { secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl: stripe.url }
const node = await testNode({ clock, stripe: settings, jobs: true })
after(async () => {
  await node.stop()
  await stripe.stop()
})
const billed = await billedTenants(node)

type Json = Reply['body']

/** A tenant with an invoice of January over 11.90, as it was issued by itself. */
async function january(more: object = {}) {
  clock.set(START)
  const tenant = await node.tenant({ plan: 'pro', ...more })
  const path = `/api/admin/tenants/${tenant.id}/billing`
  expectStatus(await node.admin('PUT', path, { tax_rate: '19' }), 200)
  await billed.calls(tenant, 100)
  const invoice = await issuedByItself(node, clock, tenant, '2025-02-01T00:00:00Z')
  return { ...tenant, invoice }
}

const atStripe = (invoiceId: string) =>
  [...stripe.account.invoices.values()].filter(({ metadata }) => metadata.invoice_id === invoiceId)

async function rowOf(invoiceId: string): Promise<Json> {
  const { rows } = await node.server.pool.query(
    `SELECT tenant_no, payment_reference, payment_amount::text FROM invoice WHERE invoice_id = $1`,
    [invoiceId],
  )
  return rows[0]
}

/** As the provider calls it, once the job that asks for the money has kept that. */
const referenceOf = (invoiceId: string): Promise<string> =>
  until('the reference', async () => (await rowOf(invoiceId)).payment_reference)

/** Jobs that ask the provider for money, or no longer for it, and are not done. */
async function paymentJobs(): Promise<number> {
  const { rows } = await node.server.pool.query(
    `SELECT count(*)::int AS jobs FROM graphile_worker.jobs
     WHERE task_identifier IN ('request_payment', 'cancel_payment')`,
  )
  return rows[0].jobs
}

const mark = (invoiceId: string, status: string) =>
  node.admin('POST', `/api/admin/invoices/${invoiceId}/status`, { status })

test('an invoice that is issued is one at the provider, over the same amount, with its lines', async () => {
  const { id, invoice } = await january()
  const reference = await referenceOf(invoice.invoice_id)
  const [there, ...others] = atStripe(invoice.invoice_id)
  assert.deepEqual(others, [])
  assert.deepEqual([there!.id, there!.status, there!.total], [reference, 'open', 1_190])
  assert.deepEqual(
    there!.lines.data.map((line) => {
      const { description, amount } = line as { description: string; amount: string }
      return [description, amount]
    }),
    [
      ['Calls', '1000'],
      ['Tax, 19 %', '190'],
    ],
  )
  assert.equal((await billed.invoice(invoice.invoice_id)).status, 'open')
  const { rows } = await node.server.pool.query(
    `SELECT customer_reference FROM billing_profile AS p JOIN tenant AS t USING (tenant_no)
     WHERE t.tenant_id = $1`,
    [id],
  )
  assert.equal(rows[0].customer_reference, stripe.account.customerOf(id).id)
})

test('a customer with a good card has paid when the next invoice was requested', async () => {
  const tenant = await january()
  await referenceOf(tenant.invoice.invoice_id)
  stripe.account.giveCard(tenant.id, 'good')
  await billed.calls(tenant, 10)
  clock.set('2025-03-01T02:00:00Z')
  await askForBilling(node.server.pool)
  const paid = await until('the payment', async () =>
    (await billed.invoices(tenant)).find(({ status }) => status === 'paid'),
  )
  assert.deepEqual([paid.total, paid.amount_due], ['1.19', '0.00'])
  const query = `tenant_id=${tenant.id}&action=invoice.status_changed`
  const { data } = expectStatus(await node.admin('GET', `/api/admin/audit?${query}`), 200).body
  assert.deepEqual([data[0].actor.kind, data[0].after.by], ['system', 'stripe'])
})

test('the job may be done again and again: there is one invoice at the provider', async () => {
  const { invoice } = await january()
  const { invoice_id } = invoice
  const reference = await referenceOf(invoice_id)
  const { tenant_no } = await rowOf(invoice_id)
  // As if a node had died after the provider had done it, before that was written down.
  await node.server.pool.query(
    'UPDATE invoice SET payment_reference = NULL WHERE invoice_id = $1',
    [invoice_id],
  )
  await addJob(node.server.pool, 'request_payment', { tenant_no, invoice_id })
  await addJob(node.server.pool, 'request_payment', { tenant_no, invoice_id })
  assert.equal(await referenceOf(invoice_id), reference)
  assert.equal(atStripe(invoice_id).length, 1)
})

test('a provider that is away is asked again', async () => {
  stripe.trouble('POST /v1/invoices', 'busy', 'busy')
  const { invoice } = await january()
  await referenceOf(invoice.invoice_id)
  assert.equal(atStripe(invoice.invoice_id).length, 1)
})

for (const status of ['paid', 'void']) {
  test(`an invoice that people mark as ${status} is asked for no more at the provider`, async () => {
    const { invoice } = await january()
    await referenceOf(invoice.invoice_id)
    expectStatus(await mark(invoice.invoice_id, status), 200)
    await until('its end at the provider', () => {
      return atStripe(invoice.invoice_id)[0]!.status === 'void'
    })
    assert.equal((await billed.invoice(invoice.invoice_id)).status, status)
  })
}

test('so is one that was credited in full; one that is uncollectible may still be paid there', async () => {
  const [credited, uncollectible] = [await january(), await january()]
  for (const { invoice } of [credited, uncollectible]) await referenceOf(invoice.invoice_id)
  expectStatus(await mark(uncollectible.invoice.invoice_id, 'uncollectible'), 200)
  const path = `/api/admin/invoices/${credited.invoice.invoice_id}/credit-notes`
  expectStatus(await node.admin('POST', path, { amount: '11.90', reason: 'all' }), 201)
  await until('its end at the provider', () => {
    return atStripe(credited.invoice.invoice_id)[0]!.status === 'paid'
  })
  assert.equal(atStripe(uncollectible.invoice.invoice_id)[0]!.status, 'open')
})

test('what is credited in part is due no more at the provider either, whenever it is credited', async () => {
  const credit = async (invoiceId: string, amount: string) => {
    const path = `/api/admin/invoices/${invoiceId}/credit-notes`
    expectStatus(await node.admin('POST', path, { amount, reason: 'an outage' }), 201)
  }
  const isDue = (invoiceId: string) =>
    until('the same amount due there', async () => {
      const { amount_due } = await billed.invoice(invoiceId)
      const there = atStripe(invoiceId)[0]
      return there?.status === 'open' && there.amount_remaining === Math.round(amount_due * 100)
    })
  // Its first try finds the provider busy, so it is credited after it was to be asked for, and before it is.
  stripe.trouble('POST /v1/invoices', 'busy', 'busy')
  const { invoice } = await january()
  await until('the first try', async () => (await rowOf(invoice.invoice_id)).payment_amount)
  await credit(invoice.invoice_id, '1.90')
  await isDue(invoice.invoice_id)
  stripe.trouble('POST /v1/credit_notes', 'busy', 'reply lost')
  await credit(invoice.invoice_id, '2.50')
  await credit(invoice.invoice_id, '0.50')
  await isDue(invoice.invoice_id)
  assert.equal((await billed.invoice(invoice.invoice_id)).amount_due, '7.00')
  const [there] = atStripe(invoice.invoice_id)
  assert.deepEqual(
    stripe.account
      .creditNotesOf(there!.id)
      .map(({ amount }) => Number(amount))
      .sort(),
    [190, 250, 50],
  )
})

test('what is settled while the provider is being asked is stopped there afterwards', async () => {
  // Its first try finds the provider busy, so the invoice is settled before the second.
  stripe.trouble('POST /v1/invoices', 'busy', 'busy')
  const { invoice } = await january()
  await until('the first try', async () => (await rowOf(invoice.invoice_id)).payment_amount)
  expectStatus(await mark(invoice.invoice_id, 'paid'), 200)
  await until('no job that waits', async () => (await paymentJobs()) === 0)
  for (const { status } of atStripe(invoice.invoice_id)) assert.equal(status, 'void')
})

test('so is what is settled between the request and the answer', async () => {
  const { invoice } = await january()
  const { invoice_id } = invoice
  const reference = await referenceOf(invoice_id)
  const { tenant_no } = await rowOf(invoice_id)
  await node.server.pool.query(
    'UPDATE invoice SET payment_reference = NULL WHERE invoice_id = $1',
    [invoice_id],
  )
  const provider = openPayments({ stripe: settings })
  const payments: PaymentProvider = {
    ...provider,
    async request(payment, now) {
      const requested = await provider.request(payment, now)
      expectStatus(await mark(invoice_id, 'void'), 200)
      return requested
    },
  }
  const { pool } = node.server
  const log = pino({ level: 'silent' })
  await requestPayment({ pool, clock, log, payments, appendAudit }, tenant_no, invoice_id)
  assert.equal(await referenceOf(invoice_id), reference)
  await until('its end at the provider', () => atStripe(invoice_id)[0]!.status === 'void')
})

test('rehearsals, and invoices over nothing, are asked of nobody', async () => {
  // What the tests before this one asked for is told apart from it only by being done.
  await until('no job that waits', async () => (await paymentJobs()) === 0)
  const calls = stripe.calls.length
  await billed.invoiced(10)
  clock.set(START)
  const tenant = await node.tenant({ plan: 'pro' })
  const invoice = await issuedByItself(node, clock, tenant, '2025-02-01T00:00:00Z')
  assert.deepEqual([invoice.total, invoice.status], ['0.00', 'paid'])
  assert.deepEqual([await paymentJobs(), stripe.calls.length], [0, calls])
})
