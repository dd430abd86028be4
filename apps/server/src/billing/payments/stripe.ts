import { setTimeout as sleep } from 'node:timers/promises'
import Stripe from 'stripe'
import { NOTHING, parseExact } from '../../lib/money.ts'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import type { StripeSettings } from '../../lib/settings.ts'
import { PAYMENT_MS_MAX, STRIPE_CALL_MS_MAX, STRIPE_CALL_RETRIES_MAX } from '../../limits.ts'
import { stripeAmount, stripeTotal } from './stripe-amounts.ts'
import { creditInvoice } from './stripe-credit.ts'
import { hasPaymentMethod, stripeCustomer } from './stripe-customer.ts'
import { readStripeEvent } from './stripe-event.ts'
import { cancelInvoice, finalize, labelPayments, pay, stripeInvoice } from './stripe-invoice.ts'
import { classified } from './stripe-once.ts'
import {
  type PaymentProvider,
  type PaymentRequest,
  PaymentUnavailable,
  type RequestedPayment,
} from './types.ts'

/** Collects by invoices at Stripe, one for each of ours. */
export function stripePayments(
  { secretKey, webhookSecret, apiUrl }: StripeSettings,
  { callMsMax = STRIPE_CALL_MS_MAX, msMax = PAYMENT_MS_MAX } = {},
): PaymentProvider {
  const { protocol, hostname, port } = new URL(apiUrl)
  const stripe = new Stripe(secretKey, {
    protocol: protocol === 'http:' ? 'http' : 'https',
    host: hostname,
    port: port || (protocol === 'http:' ? '80' : '443'),
    timeout: callMsMax,
    maxNetworkRetries: STRIPE_CALL_RETRIES_MAX,
    telemetry: false,
    appInfo: { name: 'Tollgate' },
  })
  return {
    name: 'stripe',
    request: (payment, now) => bounded(requestPayment(stripe, payment, now), msMax),
    cancel: (reference) => bounded(cancelInvoice(stripe, reference), msMax),
    credit: (reference, credit) => bounded(creditInvoice(stripe, reference, credit), msMax),
    readEvent: (rawBody, headers, now) =>
      readStripeEvent(stripe, webhookSecret, { rawBody, headers, now }),
  }
}

/** Every step may have been done before, by a node that fell over or by one that does it now. */
async function requestPayment(
  stripe: Stripe,
  payment: PaymentRequest,
  now: number,
): Promise<RequestedPayment> {
  const total = checkedTotal(payment)
  if (total === 0) {
    const { reference } = payment.customer
    return { reference: null, customerReference: reference, state: 'paid' }
  }
  const customer = await stripeCustomer(stripe, payment)
  if (payment.customer.email === null && !hasPaymentMethod(customer)) {
    throw new PermanentFailure(
      `Stripe cannot collect ${payment.number}: the customer has no e-mail address and no payment method`,
    )
  }
  let invoice = await stripeInvoice(stripe, payment, customer, now)
  if (invoice.total !== total) {
    throw new PermanentFailure(
      `Stripe’s invoice ${invoice.id} is not over ${payment.amount} ${payment.currency}, as ${payment.number} is: somebody changed it there`,
    )
  }
  if (invoice.status === 'draft') invoice = await finalize(stripe, payment, invoice)
  if (invoice.status === 'open') {
    await labelPayments(stripe, payment, invoice)
    if (invoice.collection_method === 'charge_automatically') {
      invoice = await pay(stripe, payment, invoice)
    }
  }
  const state = invoice.status === 'paid' ? 'paid' : 'open'
  return { reference: invoice.id, customerReference: customer.id, state }
}

/** Before anything is written, so that nothing half done is left at Stripe. */
function checkedTotal({ number, amount, currency, lines }: PaymentRequest): number {
  for (const line of lines) stripeAmount(line.amount, currency)
  const sum = lines.reduce((before, line) => before.add(parseExact(line.amount)), NOTHING)
  if (!sum.eq(parseExact(amount))) {
    throw new PermanentFailure(`The lines of ${number} come to ${sum.toFixed()}, not to ${amount}`)
  }
  return stripeTotal(amount, currency)
}

/** It is many calls, and a job has a time of its own. What is still under way does no harm. */
async function bounded<T>(work: Promise<T>, msMax: number): Promise<T> {
  const done = new AbortController()
  const late = sleep(msMax, undefined, { signal: done.signal }).then(() => {
    throw new PaymentUnavailable(`Stripe took longer than ${msMax} ms`)
  })
  late.catch(() => undefined)
  try {
    return await Promise.race([work, late])
  } catch (error) {
    throw classified(error)
  } finally {
    done.abort()
  }
}
