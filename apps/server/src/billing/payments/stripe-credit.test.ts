import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { SECRET_KEY, startStripeServer, WEBHOOK_SECRET } from '../../../test/stripe-server.ts'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import { stripePayments } from './stripe.ts'
import { type PaymentCredit, PaymentUnavailable } from './types.ts'

const NOW = Date.parse('2026-05-01T00:00:00Z')
const CREDIT = 'POST /v1/credit_notes'
const server = await startStripeServer(() => NOW)
after(() => server.stop())
const { account } = server
const settings = { secretKey: SECRET_KEY, webhookSecret: WEBHOOK_SECRET, apiUrl: server.url }
const stripe = stripePayments(settings)
const otherNode = stripePayments(settings)

let count = 0
/** An invoice at Stripe over 119.00. @returns its id there */
async function requested(tenantId = `tenant-${count + 1}`): Promise<string> {
  count += 1
  const { reference } = await stripe.request(
    {
      invoiceId: `invoice-${count}`,
      number: `INV-${count}`,
      tenantId,
      amount: '119.00',
      currency: 'USD',
      customer: { name: 'Acme', email: 'pay@acme.example', reference: null },
      lines: [{ description: 'Calls', amount: '119.00' }],
      dueAt: NOW + 86_400_000,
    },
    NOW,
  )
  return reference!
}

function note(amount: string, more: Partial<PaymentCredit> = {}): PaymentCredit {
  count += 1
  const [creditNoteId, number] = [`crn_${count}`, `CN-${count}`]
  return { creditNoteId, number, amount, currency: 'USD', reason: 'An outage', ...more }
}

const stateOf = (id: string) => {
  const { status, amount_remaining } = account.invoices.get(id)!
  const notes = account.creditNotesOf(id)
  return [status, amount_remaining, notes.map(({ amount }) => Number(amount))]
}

test('a credit lowers what is due, and one of all that is left settles the invoice', async () => {
  const id = await requested()
  await stripe.credit(id, note('19.00', { number: 'CN-000009' }))
  assert.deepEqual(stateOf(id), ['open', 10_000, [1_900]])
  const { memo, metadata } = account.creditNotesOf(id)[0]!
  assert.equal(memo, 'Credit note CN-000009: An outage')
  assert.equal((metadata as { number: string }).number, 'CN-000009')
  await stripe.credit(id, note('100.00'))
  assert.deepEqual(stateOf(id), ['paid', 0, [1_900, 10_000]])
})

test('of what is paid nothing is given back by it: it is noted as given back outside', async () => {
  const tenantId = 'tenant-with-card'
  await requested(tenantId)
  account.giveCard(tenantId, 'good')
  const id = await requested(tenantId)
  assert.deepEqual(stateOf(id), ['paid', 0, []])
  await stripe.credit(id, note('5.00'))
  assert.equal(account.creditNotesOf(id)[0]!.out_of_band_amount, '500')
})

for (const trouble of ['failed', 'failed after the work', 'reply lost'] as const) {
  test(`${trouble}: there is one credit note, also when it is told again by another node a day later`, async () => {
    const id = await requested()
    const credit = note('9.00')
    server.trouble(CREDIT, trouble)
    await stripe.credit(id, credit).catch((error) => {
      assert.ok(error instanceof PaymentUnavailable, String(error))
    })
    await otherNode.credit(id, credit)
    server.forgetKeys()
    await otherNode.credit(id, credit)
    assert.deepEqual(stateOf(id), ['open', 11_000, [900]])
  })
}

test('two nodes at once make one', async () => {
  const id = await requested()
  const credit = note('9.00')
  server.meet(CREDIT)
  await Promise.all([stripe, otherNode].map((node) => node.credit(id, credit)))
  assert.deepEqual(stateOf(id), ['open', 11_000, [900]])
})

test('what was paid while it was told is told again, as what was paid', async () => {
  const id = await requested()
  const credit = note('9.00')
  const invoice = account.invoices.get(id)!
  const answer = account.answer.bind(account)
  account.answer = (method, path, form) => {
    if (method === 'POST' && path === '/v1/credit_notes') {
      Object.assign(invoice, { status: 'paid', amount_remaining: 0 })
    }
    return answer(method, path, form)
  }
  await assert.rejects(stripe.credit(id, credit), PaymentUnavailable)
  account.answer = answer
  await stripe.credit(id, credit)
  assert.equal(account.creditNotesOf(id)[0]!.out_of_band_amount, '900')
})

test('what is void or gone there is asked for no less; more than there is is refused for good', async () => {
  const id = await requested()
  await assert.rejects(stripe.credit(id, note('119.01')), PermanentFailure)
  await stripe.cancel(id)
  await stripe.credit(id, note('9.00'))
  assert.deepEqual(stateOf(id), ['void', 0, []])
  await stripe.credit('in_never', note('9.00'))
})
