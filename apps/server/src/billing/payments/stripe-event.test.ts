import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SECRET_KEY, startStripeServer, WEBHOOK_SECRET } from '../../../test/stripe-server.ts'
import { manualPayments } from './manual.ts'
import { openPayments } from './open-payments.ts'
import { UnverifiedEvent } from './types.ts'

const NOW = Date.parse('2026-05-01T00:00:00Z')
const server = await startStripeServer(() => NOW)
after(() => server.stop())
const provider = openPayments({
  stripe: { secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl: server.url },
})

const INVOICE = {
  id: 'in_1',
  object: 'invoice',
  total: 1_190,
  currency: 'usd',
  metadata: { invoice_id: 'i-1', number: 'INV-1', tenant_id: 'acme' },
}
const PAYMENT = {
  id: 'pi_1',
  object: 'payment_intent',
  amount_received: 1_190,
  currency: 'usd',
  metadata: { ...INVOICE.metadata, stripe_invoice: 'in_1', stripe_total: '1190' },
}
const event = (type: string, object: object) => {
  return { id: 'evt_1', object: 'event', type, data: { object } }
}

function read(type: string, object: object, atMs = NOW) {
  const { rawBody, headers } = server.signed(event(type, object), atMs)
  return provider.readEvent(rawBody, headers, NOW)
}

const told = (kind: string) => {
  const about = { invoiceId: 'i-1', reference: 'in_1', amount: '11.90', currency: 'USD' }
  return { eventId: 'evt_1', kind, ...about }
}

test('each event that matters is told in our words', () => {
  assert.deepEqual(read('invoice.paid', INVOICE), told('paid'))
  assert.deepEqual(read('invoice.payment_failed', INVOICE), told('failed'))
  assert.deepEqual(read('invoice.marked_uncollectible', INVOICE), told('uncollectible'))
  assert.deepEqual(read('invoice.voided', INVOICE), told('voided'))
  assert.deepEqual(read('payment_intent.succeeded', PAYMENT), told('paid'))
  const tried = { ...PAYMENT, amount_received: 0 }
  assert.deepEqual(read('payment_intent.payment_failed', tried), told('failed'))
})

test('a payment of a part does not make an invoice paid', () => {
  assert.equal(read('payment_intent.succeeded', { ...PAYMENT, amount_received: 1_189 }), null)
})

test('other events, and invoices that are not ours, are nothing', () => {
  assert.equal(read('invoice.created', INVOICE), null)
  assert.equal(read('something.new', INVOICE), null)
  for (const metadata of [{}, null]) {
    assert.equal(read('invoice.paid', { ...INVOICE, metadata }), null)
  }
  assert.equal(read('payment_intent.succeeded', { ...PAYMENT, metadata: {} }), null)
})

test('amounts are told in the currency’s own digits', () => {
  const amounts = { jpy: '1190', kwd: '1.190', isk: '11.9' }
  for (const [currency, amount] of Object.entries(amounts)) {
    assert.equal(read('invoice.paid', { ...INVOICE, currency })?.amount, amount)
  }
})

test('an event that is forged, altered, old or not signed is refused', () => {
  const { rawBody, headers } = server.signed(event('invoice.paid', INVOICE), NOW)
  const altered = Buffer.from(rawBody.toString().replace('i-1', 'i-2'))
  const refuse = (body: Buffer, given: Record<string, string | string[]>, now = NOW) =>
    assert.throws(() => provider.readEvent(body, given, now), UnverifiedEvent)
  refuse(altered, headers)
  refuse(rawBody, {})
  refuse(rawBody, { 'stripe-signature': '' })
  refuse(rawBody, { 'stripe-signature': [headers['stripe-signature']!] })
  const signature = headers['stripe-signature']!
  const flipped = signature.slice(0, -1) + (signature.endsWith('0') ? '1' : '0')
  refuse(rawBody, { 'stripe-signature': flipped })
  refuse(rawBody, { 'stripe-signature': signature.replace('v1=', 'v0=') })
  refuse(rawBody, headers, NOW + 301_000)
  refuse(Buffer.alloc(0), headers)
  assert.ok(provider.readEvent(rawBody, headers, NOW + 299_000))

  const other = openPayments({
    stripe: { secretKey: SECRET_KEY, webhookSecret: 'whsec_other', apiUrl: server.url },
  })
  assert.throws(() => other.readEvent(rawBody, headers, NOW), UnverifiedEvent)
})

test('without a provider nobody is asked, and nobody can tell that something was paid', async () => {
  const manual = openPayments({ stripe: null })
  assert.equal(manual, manualPayments)
  const { rawBody, headers } = server.signed(event('invoice.paid', INVOICE), NOW)
  assert.throws(() => manual.readEvent(rawBody, headers, NOW), UnverifiedEvent)
  await manual.cancel('x')
})
