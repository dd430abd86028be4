import type Stripe from 'stripe'
import { PermanentFailure } from '../../lib/permanent-failure.ts'
import { STRIPE_INVOICES_LOOKED_AT_MAX, STRIPE_LINES_PER_INVOICE_MAX } from '../../limits.ts'
import { stripeAmount } from './stripe-amounts.ts'
import { hasPaymentMethod } from './stripe-customer.ts'
import { isDeclined, isMissing, isRefusal, once } from './stripe-once.ts'
import type { PaymentRequest } from './types.ts'

/** Stripe's invoices are due in the future, so one that is late already gets this long. */
const LATE_MS = 24 * 3_600_000

/**
 * The invoice of ours at Stripe, with its lines: found, or made as a draft. It does not advance by
 * itself before `finalize`: left behind without lines, it would finalise as one of nothing and count
 * as paid.
 */
export async function stripeInvoice(
  stripe: Stripe,
  payment: PaymentRequest,
  customer: Stripe.Customer,
  now: number,
): Promise<Stripe.Invoice> {
  const look = () => findInvoice(stripe, payment.invoiceId, customer.id)
  const params = draftOf(payment, customer, now)
  const invoice =
    (await look()) ??
    (await once({
      key: keyOf(payment, 'create'),
      write: (options) => stripe.invoices.create(params, options),
      look,
    }))
  if (invoice.status !== 'draft' || invoice.lines.data.length > 0) return invoice
  return once({
    key: keyOf(payment, 'lines'),
    // All in one, so that there is no draft with some of them.
    write: (options) => stripe.invoices.addLines(invoice.id, { lines: linesOf(payment) }, options),
    look: () => readIf(stripe, invoice.id, ({ lines }) => lines.data.length > 0),
  })
}

/** From now on Stripe collects it: by the customer's payment method, or by sending it. */
export function finalize(
  stripe: Stripe,
  payment: PaymentRequest,
  { id }: Stripe.Invoice,
): Promise<Stripe.Invoice> {
  return once({
    key: keyOf(payment, 'finalize'),
    write: (options) => stripe.invoices.finalizeInvoice(id, { auto_advance: true }, options),
    look: () => readIf(stripe, id, ({ status }) => status !== 'draft'),
  })
}

/** Payments say whose they are, too. Stripe does not copy that from the invoice. */
export async function labelPayments(
  stripe: Stripe,
  payment: PaymentRequest,
  { id, total }: Stripe.Invoice,
): Promise<void> {
  const { payments } = await stripe.invoices.retrieve(id, { expand: ['payments'] })
  for (const { payment: by } of payments?.data ?? []) {
    const intent = typeof by.payment_intent === 'object' ? by.payment_intent.id : by.payment_intent
    if (intent === undefined) continue
    const metadata = { ...metadataOf(payment), stripe_invoice: id, stripe_total: String(total) }
    await stripe.paymentIntents
      .update(intent, { metadata }, { idempotencyKey: keyOf(payment, `label:${intent}`) })
      .catch((error) => {
        // It is for reading only, and one that was cancelled cannot be labelled.
        if (!isRefusal(error)) throw error
      })
  }
}

/** Charges the payment method now, and not in an hour. If it cannot, Stripe goes on by its rules. */
export async function pay(
  stripe: Stripe,
  payment: PaymentRequest,
  invoice: Stripe.Invoice,
): Promise<Stripe.Invoice> {
  try {
    return await once({
      key: keyOf(payment, 'pay'),
      write: (options) => stripe.invoices.pay(invoice.id, {}, options),
      look: () => readIf(stripe, invoice.id, ({ status }) => status === 'paid'),
    })
  } catch (error) {
    if (isDeclined(error) || isRefusal(error)) return invoice
    throw error
  }
}

export async function cancelInvoice(stripe: Stripe, id: string): Promise<void> {
  const invoice = await readInvoice(stripe, id)
  if (invoice === null || invoice.status === 'void') return
  if (invoice.status === 'paid') {
    throw new PermanentFailure(`Stripe’s invoice ${id} is paid: refund it there`)
  }
  if (invoice.status === 'draft') {
    await stripe.invoices.del(id)
    return
  }
  await once({
    key: `tollgate:stripe:${id}:void`,
    write: (options) => stripe.invoices.voidInvoice(id, {}, options),
    look: () => readIf(stripe, id, ({ status }) => status === 'void'),
  })
}

function draftOf(
  payment: PaymentRequest,
  customer: Stripe.Customer,
  now: number,
): Stripe.InvoiceCreateParams {
  const charged = hasPaymentMethod(customer)
  const dueAt = Math.max(payment.dueAt, now + LATE_MS)
  return {
    customer: customer.id,
    currency: payment.currency.toLowerCase(),
    collection_method: charged ? 'charge_automatically' : 'send_invoice',
    ...(charged ? {} : { due_date: Math.floor(dueAt / 1_000) }),
    auto_advance: false,
    description: `Invoice ${payment.number}`,
    // What it comes to is decided here: nothing that waits at Stripe may be added or taken off.
    pending_invoice_items_behavior: 'exclude',
    discounts: '',
    metadata: metadataOf(payment),
  }
}

function linesOf(payment: PaymentRequest): Stripe.InvoiceAddLinesParams.Line[] {
  const { number, amount, currency } = payment
  const whole = [{ description: `Invoice ${number}`, amount }]
  const lines = payment.lines.length > STRIPE_LINES_PER_INVOICE_MAX ? whole : payment.lines
  return lines.map((line) => {
    const { description } = line
    return { description, amount: stripeAmount(line.amount, currency), discountable: false }
  })
}

/** Stripe lists what was written a moment ago as well, which its search does not. Newest first. */
async function findInvoice(
  stripe: Stripe,
  invoiceId: string,
  customer: string,
): Promise<Stripe.Invoice | null> {
  let seen = 0
  for await (const invoice of stripe.invoices.list({ customer, limit: 100 })) {
    if (invoice.metadata?.invoice_id === invoiceId) return invoice
    seen += 1
    if (seen >= STRIPE_INVOICES_LOOKED_AT_MAX) break
  }
  return null
}

async function readIf(
  stripe: Stripe,
  id: string,
  wanted: (invoice: Stripe.Invoice) => boolean,
): Promise<Stripe.Invoice | null> {
  const invoice = await readInvoice(stripe, id)
  return invoice !== null && wanted(invoice) ? invoice : null
}

export async function readInvoice(stripe: Stripe, id: string): Promise<Stripe.Invoice | null> {
  try {
    return await stripe.invoices.retrieve(id)
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

function metadataOf({ invoiceId, number, tenantId }: PaymentRequest) {
  return { invoice_id: invoiceId, number, tenant_id: tenantId }
}

function keyOf({ invoiceId }: PaymentRequest, step: string): string {
  return `tollgate:invoice:${invoiceId}:${step}`
}
