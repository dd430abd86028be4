import { inTransaction, type Queryable } from '../../db/pool.ts'
import { SYSTEM } from '../../lib/audit-entry.ts'
import { parseExact } from '../../lib/money.ts'
import { giveCreditBack } from '../customer-credit/move-credit.ts'
import { tenantOfInvoice } from '../invoices/invoice-json.ts'
import { type InvoiceRow, lockInvoice, takeStep, writeStatus } from '../invoices/store.ts'
import { holdPosition } from '../usage/store.ts'
import type { PaymentEvent } from '../payments/types.ts'
import { type CollectingDependencies, markPaid } from './request-payment.ts'
import { insertPaymentEvent } from './store.ts'

/**
 * What a provider tells, with all that follows from it, or nothing: so each event counts once, however
 * often it comes. What cannot be right has no effect, and is logged for people.
 */
export async function takePaymentEvent(
  deps: CollectingDependencies,
  event: PaymentEvent,
): Promise<void> {
  const { pool, payments, log } = deps
  await inTransaction(pool, async (db) => {
    if (!(await insertPaymentEvent(db, payments.name, event.eventId))) return
    const tenantNo = tenantOfInvoice(event.invoiceId)
    // As for people who make an invoice void.
    if (tenantNo !== null && event.kind === 'voided') await holdPosition(db, tenantNo)
    const invoice = tenantNo === null ? null : await lockInvoice(db, tenantNo, event.invoiceId)
    const wrong = invoice === null ? 'there is no such invoice' : whatIsWrong(invoice, event)
    if (invoice === null || wrong !== null) {
      log.error({ event, why: wrong }, 'a payment event does not fit, and was left out')
      return
    }
    await apply(db, deps, invoice, event)
  })
}

function whatIsWrong(invoice: InvoiceRow, event: PaymentEvent): string | null {
  const { payment_amount, payment_reference, currency } = invoice
  if (payment_amount === null) return 'nobody was asked to collect this invoice'
  if (payment_reference !== null && payment_reference !== event.reference) {
    return `the provider was asked by ${payment_reference}`
  }
  const same = parseExact(event.amount).eq(parseExact(payment_amount))
  if (same && event.currency === currency) return null
  return `the provider was asked for ${payment_amount} ${currency}`
}

async function apply(
  db: Queryable,
  deps: CollectingDependencies,
  invoice: InvoiceRow,
  { kind, reference }: PaymentEvent,
): Promise<void> {
  if (kind === 'paid') return markPaid(db, deps, invoice, reference)
  if (kind === 'failed') {
    deps.log.warn({ invoiceId: invoice.invoice_id, reference }, 'a payment failed')
    return
  }
  // What comes of our own cancel, or later than something better, changes nothing.
  const status = kind === 'voided' ? 'void' : kind
  const from = status === 'void' ? ['open', 'uncollectible'] : ['open']
  if (!from.includes(invoice.status)) return
  const { tenant_no: tenantNo, invoice_id: invoiceId } = invoice
  if (status === 'void') {
    await takeStep(db, tenantNo, 'void', invoiceId)
    await giveCreditBack(db, invoice, invoiceId)
  }
  await writeStatus(db, tenantNo, invoiceId, { status, paidAt: null })
  await deps.appendAudit(db, SYSTEM, {
    tenantNo,
    action: 'invoice.status_changed',
    object: { kind: 'invoice', id: invoiceId },
    before: { status: invoice.status },
    after: { status, by: deps.payments.name, reference },
    recordedAt: deps.clock.now(),
  })
}
