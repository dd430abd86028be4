import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SECRET_KEY, startStripeServer, WEBHOOK_SECRET } from '../../../test/stripe-server.ts'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import { stripePayments } from './stripe.ts'
import { type PaymentRequest, PaymentUnavailable } from './types.ts'

const NOW = Date.parse('2026-05-01T00:00:00Z')
const DAY_MS = 24 * 3_600_000
const CREATE = 'POST /v1/invoices'
const LINES = 'POST /v1/invoices/:id/add_lines'
const FINALIZE = 'POST /v1/invoices/:id/finalize'
const PAY = 'POST /v1/invoices/:id/pay'
const WRITES = [CREATE, LINES, FINALIZE]

const server = await startStripeServer(() => NOW)
after(() => server.stop())
const { account, calls } = server
const settings = { secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl: server.url }
const stripe = stripePayments(settings)
const otherNode = stripePayments(settings)

let count = 0
function payment(more: Partial<PaymentRequest> = {}): PaymentRequest {
  count += 1
  const { amount = '119.00', tenantId = `tenant-${count}` } = more
  return {
    invoiceId: `invoice-${count}`,
    number: `INV-${count}`,
    tenantId,
    currency: 'USD',
    customer: { name: 'Acme', email: 'pay@acme.example', reference: null },
    lines: [{ description: 'Calls', amount }],
    dueAt: NOW + 14 * DAY_MS,
    ...more,
    amount,
  }
}

const invoicesOf = ({ invoiceId }: PaymentRequest) =>
  [...account.invoices.values()].filter(({ metadata }) => metadata.invoice_id === invoiceId)
const paymentsOf = (wanted: PaymentRequest) =>
  invoicesOf(wanted).flatMap(({ payments }) =>
    payments.data.map((one) => account.payments.get(one.payment.payment_intent)!),
  )

/** One invoice with all its lines, of which Stripe has been told to collect it. */
function assertOne(wanted: PaymentRequest, status: string): void {
  const [invoice, second] = invoicesOf(wanted)
  assert.equal(second, undefined, 'a second invoice')
  assert.equal(invoice?.status, status)
  assert.equal(invoice?.auto_advance, 'true')
  assert.equal(invoice?.lines.data.length, wanted.lines.length)
}

/** A tenant that Stripe may charge. */
async function withCard(card: 'good' | 'declined' | 'to be confirmed') {
  const first = payment()
  const { customerReference } = await stripe.request(first, NOW)
  account.giveCard(first.tenantId, card)
  const customer = { ...first.customer, reference: customerReference }
  return (more: Partial<PaymentRequest> = {}) =>
    payment({ tenantId: first.tenantId, customer, ...more })
}

test('a customer without a card is sent an invoice with our lines, number and day', async () => {
  const wanted = payment({
    lines: [
      { description: 'Base fee', amount: '90.50' },
      { description: 'Calls', amount: '19.50' },
      { description: 'Discount', amount: '-10.00' },
      { description: 'VAT 19 %', amount: '19.00' },
    ],
  })
  const { reference, customerReference, state } = await stripe.request(wanted, NOW)
  assert.equal(state, 'open')
  assertOne(wanted, 'open')
  const [invoice] = invoicesOf(wanted)
  assert.equal(invoice?.id, reference)
  assert.equal(invoice?.customer, customerReference)
  assert.equal(invoice?.total, 11_900)
  assert.equal(invoice?.collection_method, 'send_invoice')
  assert.equal(invoice?.due_date, String(wanted.dueAt / 1_000))
  assert.equal(invoice?.description, `Invoice ${wanted.number}`)
  const { invoiceId, number, tenantId } = wanted
  const metadata = { invoice_id: invoiceId, number, tenant_id: tenantId }
  assert.deepEqual({ ...invoice?.metadata }, metadata)
  assert.deepEqual(paymentsOf(wanted)[0]?.metadata, {
    ...metadata,
    stripe_invoice: reference,
    stripe_total: '11900',
  })
  assert.equal(account.customers.get(customerReference!)?.email, 'pay@acme.example')
})

test('a draft never advances by itself: one without lines would count as paid', async () => {
  await stripe.request(payment(), NOW)
  const created = calls.filter(({ what }) => what === CREATE)
  assert.ok(created.length > 0)
  for (const { form } of created) {
    assert.equal(form.auto_advance, 'false')
    assert.equal(form.pending_invoice_items_behavior, 'exclude')
    assert.equal(form.discounts, '')
  }
})

test('a customer with a card is charged at once', async () => {
  const next = await withCard('good')
  const wanted = next()
  const { state } = await stripe.request(wanted, NOW)
  assert.equal(state, 'paid')
  assertOne(wanted, 'paid')
  assert.equal(invoicesOf(wanted)[0]?.due_date, undefined)
  assert.equal(paymentsOf(wanted)[0]?.amount_received, 11_900)
  assert.deepEqual(await stripe.request(wanted, NOW), await otherNode.request(wanted, NOW))
  assert.equal(calls.filter(({ what, status }) => what === PAY && status === 200).length, 1)
})

test('a card that is declined, or has to be confirmed, leaves the invoice open', async () => {
  for (const card of ['declined', 'to be confirmed'] as const) {
    const wanted = (await withCard(card))()
    for (let times = 0; times < 2; times += 1) {
      assert.equal((await stripe.request(wanted, NOW)).state, 'open')
      assertOne(wanted, 'open')
    }
  }
})

for (const trouble of ['reply lost', 'failed', 'failed after the work'] as const) {
  test(`${trouble}, at any step: there is one invoice, and one payment`, async () => {
    const next = await withCard('good')
    for (const what of [...WRITES, PAY]) {
      const wanted = next()
      server.trouble(what, trouble)
      const first = await stripe.request(wanted, NOW)
      assert.equal(first.state, 'paid', what)
      assertOne(wanted, 'paid')
      assert.deepEqual(await stripe.request(wanted, NOW), first)
      assertOne(wanted, 'paid')
      assert.equal(paymentsOf(wanted).length, 1)
    }
  })

  test(`${trouble} when the customer is made: there is one customer`, async () => {
    const wanted = payment()
    server.trouble('POST /v1/customers', trouble)
    const { customerReference } = await stripe.request(wanted, NOW)
    const others = [...account.customers.values()].filter(
      ({ id, metadata }) =>
        (metadata as { tenant_id: string }).tenant_id === wanted.tenantId &&
        id !== customerReference,
    )
    assert.deepEqual(others, [])
  })
}

test('a node that falls over at any step is taken over a day later, when keys are forgotten', async () => {
  const hasty = stripePayments(settings, { callMsMax: 50 })
  for (const what of WRITES) {
    const wanted = payment()
    server.trouble(what, 'silent', 'silent', 'silent')
    await assert.rejects(hasty.request(wanted, NOW), PaymentUnavailable)
    server.trouble(what)
    server.forgetKeys()
    assert.equal((await otherNode.request(wanted, NOW + DAY_MS)).state, 'open')
    assertOne(wanted, 'open')
  }
})

test('two nodes at once make one customer and one invoice', async () => {
  for (const what of ['POST /v1/customers', ...WRITES]) {
    const wanted = payment()
    server.meet(what)
    const both = [stripe, otherNode].map((node) => node.request(wanted, NOW))
    const [one, two] = await Promise.all(both)
    assert.deepEqual(one, two, what)
    assertOne(wanted, 'open')
  }
})

test('a busy Stripe, one that is away, and a key that is not good: to be tried again', async () => {
  const wanted = payment()
  server.trouble(CREATE, 'busy')
  await assert.rejects(stripe.request(wanted, NOW), PaymentUnavailable)
  const stranger = stripePayments({ ...settings, secretKey: 'sk_test_old' })
  await assert.rejects(stranger.request(wanted, NOW), PaymentUnavailable)
  const nobody = stripePayments({ ...settings, apiUrl: 'http://127.0.0.1:9' })
  await assert.rejects(nobody.request(wanted, NOW), PaymentUnavailable)
  assert.equal((await stripe.request(wanted, NOW)).state, 'open')
  assertOne(wanted, 'open')
})

test('a Stripe that says nothing is not waited for longer than a job may take', async () => {
  server.trouble('POST /v1/customers', 'silent')
  const hasty = stripePayments(settings, { msMax: 100 })
  await assert.rejects(hasty.request(payment(), NOW), /took longer than 100 ms/)
})

test('what can never be collected is given up, before anything is made at Stripe', async () => {
  const before = account.invoices.size
  const impossible: [Partial<PaymentRequest>, RegExp][] = [
    [{ customer: { name: 'A', email: null, reference: null } }, /no e-mail address/],
    [{ lines: [{ description: 'Calls', amount: '1.00' }] }, /come to 1, not to 119.00/],
    [{ amount: '-5.00' }, /below zero/],
    [{ amount: '5.124', currency: 'KWD' }, /last digits must be 0/],
    [{ amount: '500', currency: 'UGX' }, /does not collect UGX/],
  ]
  for (const [more, message] of impossible) {
    await assert.rejects(stripe.request(payment(more), NOW), (error) => {
      assert.ok(error instanceof PermanentFailure, String(error))
      assert.match(error.message, message)
      return true
    })
  }
  assert.equal(account.invoices.size, before)
})

test('nothing is charged for a draft that somebody changed at Stripe', async () => {
  const wanted = payment()
  server.trouble(FINALIZE, 'busy')
  await assert.rejects(stripe.request(wanted, NOW), PaymentUnavailable)
  invoicesOf(wanted)[0]!.total = 1
  await assert.rejects(stripe.request(wanted, NOW), PermanentFailure)
  assert.equal(invoicesOf(wanted)[0]?.status, 'draft')
})

test('an invoice over nothing is paid, and Stripe does not hear of it', async () => {
  const before = calls.length
  const free = await stripe.request(payment({ amount: '0.00' }), NOW)
  assert.deepEqual(free, { reference: null, customerReference: null, state: 'paid' })
  assert.equal(calls.length, before)
})

test('amounts are whole smallest units, whatever the currency', async () => {
  const totals = { USD: ['10.05', 1_005], JPY: ['500', 500], KWD: ['5.120', 5_120] } as const
  for (const [currency, [amount, units]] of Object.entries(totals)) {
    const wanted = payment({ currency, amount })
    await stripe.request(wanted, NOW)
    const [invoice] = invoicesOf(wanted)
    assert.deepEqual([invoice?.currency, invoice?.total], [currency.toLowerCase(), units])
  }
})

test('an invoice that is late already is due a day later', async () => {
  const wanted = payment({ dueAt: NOW - DAY_MS })
  await stripe.request(wanted, NOW)
  assert.equal(invoicesOf(wanted)[0]?.due_date, String((NOW + DAY_MS) / 1_000))
})

test('more lines than Stripe takes become one', async () => {
  const lines = Array.from({ length: 251 }, () => ({ description: 'Calls', amount: '1.00' }))
  const wanted = payment({ lines, amount: '251.00' })
  await stripe.request(wanted, NOW)
  const [invoice] = invoicesOf(wanted)
  assert.deepEqual([invoice?.lines.data.length, invoice?.total], [1, 25_100])
})

test('a customer keeps its name and address up to date, and is made anew when it was deleted', async () => {
  const first = payment()
  const { customerReference } = await stripe.request(first, NOW)
  const customer = { name: 'Acme Ltd', email: 'new@acme.example', reference: customerReference }
  const { tenantId } = first
  await stripe.request(payment({ tenantId, customer }), NOW)
  const { name, email } = account.customers.get(customerReference!)!
  assert.deepEqual([name, email], ['Acme Ltd', 'new@acme.example'])

  account.customers.get(customerReference!)!.deleted = true
  const other = await stripe.request(payment({ tenantId, customer }), NOW)
  assert.notEqual(other.customerReference, customerReference)
})

test('a cancelled invoice is void, once and for all; a draft goes; a paid one stays', async () => {
  const wanted = payment()
  const { reference } = await stripe.request(wanted, NOW)
  server.trouble('POST /v1/invoices/:id/void', 'reply lost')
  await stripe.cancel(reference!)
  await otherNode.cancel(reference!)
  assert.equal(invoicesOf(wanted)[0]?.status, 'void')
  await stripe.cancel('in_never')

  const draft = payment()
  server.trouble(FINALIZE, 'busy')
  await assert.rejects(stripe.request(draft, NOW))
  await stripe.cancel(invoicesOf(draft)[0]!.id)
  assert.deepEqual(invoicesOf(draft), [])

  const paid = (await withCard('good'))()
  const { reference: paidReference } = await stripe.request(paid, NOW)
  await assert.rejects(stripe.cancel(paidReference!), PermanentFailure)
})

test('what is logged names nobody', async () => {
  server.trouble(CREATE, 'busy')
  await assert.rejects(stripe.request(payment(), NOW), (error: Error) => {
    assert.doesNotMatch(error.message, /acme|Acme|sk_test/)
    return true
  })
})
