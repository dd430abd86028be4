import type Stripe from 'stripe'
import { STRIPE_SIGNATURE_SECONDS_MAX } from '../../limits.ts'
import { amountFromStripe } from './stripe-amounts.ts'
import { type EventHeaders, type PaymentEvent, UnverifiedEvent } from './types.ts'

export type SignedEvent = { rawBody: Buffer; headers: EventHeaders; now: number }

/** null: an event of another kind, or of what Tollgate did not make. @throws UnverifiedEvent */
export function readStripeEvent(
  stripe: Stripe,
  webhookSecret: string,
  signed: SignedEvent,
): PaymentEvent | null {
  const event = verified(stripe, webhookSecret, signed)
  switch (event.type) {
    case 'invoice.paid':
      return ofInvoice(event.id, 'paid', event.data.object)
    case 'invoice.payment_failed':
      return ofInvoice(event.id, 'failed', event.data.object)
    case 'invoice.marked_uncollectible':
      return ofInvoice(event.id, 'uncollectible', event.data.object)
    case 'invoice.voided':
      return ofInvoice(event.id, 'voided', event.data.object)
    case 'payment_intent.succeeded':
      return ofPayment(event.id, 'paid', event.data.object)
    case 'payment_intent.payment_failed':
      return ofPayment(event.id, 'failed', event.data.object)
    default:
      return null
  }
}

function verified(stripe: Stripe, webhookSecret: string, signed: SignedEvent): Stripe.Event {
  const signature = signed.headers['stripe-signature']
  if (typeof signature !== 'string') {
    throw new UnverifiedEvent('An event must have one Stripe-Signature header')
  }
  try {
    return stripe.webhooks.constructEvent(
      signed.rawBody,
      signature,
      webhookSecret,
      STRIPE_SIGNATURE_SECONDS_MAX,
      undefined,
      signed.now,
    )
  } catch (cause) {
    throw new UnverifiedEvent('Stripe has not signed this event, or too long ago', { cause })
  }
}

function ofInvoice(
  eventId: string,
  kind: PaymentEvent['kind'],
  { id, metadata, total, currency: code }: Stripe.Invoice,
): PaymentEvent | null {
  const invoiceId = metadata?.invoice_id
  if (invoiceId === undefined) return null
  const currency = code.toUpperCase()
  const amount = amountFromStripe(total, currency)
  return { eventId, kind, invoiceId, reference: id, amount, currency }
}

/** One that paid a part of an invoice did not pay it; Stripe says so when all of it is paid. */
function ofPayment(
  eventId: string,
  kind: 'paid' | 'failed',
  { metadata, amount_received, currency: code }: Stripe.PaymentIntent,
): PaymentEvent | null {
  const { invoice_id, stripe_invoice, stripe_total } = metadata
  if (invoice_id === undefined || stripe_invoice === undefined) return null
  const total = Number(stripe_total)
  if (!Number.isSafeInteger(total)) return null
  if (kind === 'paid' && amount_received !== total) return null
  const currency = code.toUpperCase()
  const amount = amountFromStripe(total, currency)
  return { eventId, kind, invoiceId: invoice_id, reference: stripe_invoice, amount, currency }
}
