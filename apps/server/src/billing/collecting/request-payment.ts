import type pg from 'pg'
import type { Logger } from 'pino'
import { addJob } from '../../db/jobs.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import { SYSTEM } from '../../lib/audit-entry.ts'
import type { Clock } from '../../lib/clock.ts'
import { PAYMENT_ATTEMPTS_MAX } from '../../limits.ts'
import type { AppendAudit } from '../../db/append-audit.ts'
import { type InvoiceRow, lockInvoice, readInvoice, writeStatus } from '../invoices/store.ts'
import type { PaymentProvider, RequestedPayment } from '../payments/types.ts'
import { readBilledTenant, readProfile, writeCustomerReference } from '../profile/store.ts'
import { paymentRequestOf } from './payment-request.ts'
import { isAskedForLess, leftOf } from './credits-to-tell.ts'
import { writePaymentAmount, writePaymentReference } from './store.ts'

export type CollectingDependencies = {
  pool: pg.Pool
  clock: Clock
  payments: PaymentProvider
  log: Logger
  appendAudit: AppendAudit
}

/** Asks for the money of an invoice. To be done again whenever it was interrupted. */
export async function requestPayment(
  deps: CollectingDependencies,
  tenantNo: number,
  invoiceId: string,
): Promise<void> {
  const { pool, clock, payments } = deps
  const invoice = await readInvoice(pool, tenantNo, invoiceId)
  if (invoice === null || invoice.payment_reference !== null) return
  const amount = await writePaymentAmount(pool, tenantNo, invoiceId)
  if (amount === null) return
  const { tenant_id: tenantId } = await readBilledTenant(pool, tenantNo)
  const { customerReference: reference } = await readProfile(pool, tenantNo)
  const request = paymentRequestOf(invoice, { amount, tenantId, reference })
  const requested = await payments.request(request, clock.now())
  await inTransaction(pool, (db) => keep(db, deps, { tenantNo, invoiceId }, requested))
}

async function keep(
  db: Queryable,
  deps: CollectingDependencies,
  { tenantNo, invoiceId }: { tenantNo: number; invoiceId: string },
  { reference, customerReference, state }: RequestedPayment,
): Promise<void> {
  const invoice = (await lockInvoice(db, tenantNo, invoiceId))!
  if (reference !== null) await writePaymentReference(db, tenantNo, invoiceId, reference)
  if (customerReference !== null) await writeCustomerReference(db, tenantNo, customerReference)
  if (state === 'paid') await markPaid(db, deps, invoice, reference)
  // Whoever settled or credited it meanwhile found no reference by which to tell the provider.
  const byPeople = invoice.status === 'void' || (invoice.status === 'paid' && leftOf(invoice).gt(0))
  const task = state === 'open' && byPeople ? 'cancel_payment' : 'credit_payment'
  if (task === 'credit_payment' && !isAskedForLess(invoice)) return
  const job = { tenant_no: tenantNo, invoice_id: invoiceId }
  await addJob(db, task, job, { maxAttempts: PAYMENT_ATTEMPTS_MAX })
}

/** A second time is harmless. Money for what is void is given back by people, who are told by the log. */
export async function markPaid(
  db: Queryable,
  { clock, log, payments, appendAudit }: CollectingDependencies,
  invoice: InvoiceRow,
  reference: string | null,
): Promise<void> {
  const { tenant_no: tenantNo, invoice_id: invoiceId, status } = invoice
  if (status === 'paid') return
  if (status === 'void') {
    log.error(
      { invoiceId, reference },
      'an invoice was paid after it was void: give the money back',
    )
    return
  }
  await writeStatus(db, tenantNo, invoiceId, { status: 'paid', paidAt: clock.now() })
  await appendAudit(db, SYSTEM, {
    tenantNo,
    action: 'invoice.status_changed',
    object: { kind: 'invoice', id: invoiceId },
    before: { status },
    after: { status: 'paid', by: payments.name, reference },
    recordedAt: clock.now(),
  })
}
