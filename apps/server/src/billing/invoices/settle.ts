import { addJob } from '../../db/jobs.ts'
import type { Queryable } from '../../db/pool.ts'
import { PAYMENT_ATTEMPTS_MAX } from '../../limits.ts'
import { giveCreditBack } from '../customer-credit/move-credit.ts'
import { type InvoiceRow, takeStep, writeStatus } from './store.ts'

/** In the transaction that holds the invoice, and for `void` the position. Who was asked to collect it is told to stop. */
export async function settleInvoice(
  db: Queryable,
  invoice: InvoiceRow,
  status: 'paid' | 'uncollectible' | 'void',
  now: number,
): Promise<void> {
  const { tenant_no, invoice_id, payment_amount } = invoice
  if (status === 'void') {
    await takeStep(db, tenant_no, 'void', invoice_id)
    await giveCreditBack(db, invoice, invoice_id)
  }
  await writeStatus(db, tenant_no, invoice_id, { status, paidAt: status === 'paid' ? now : null })
  // What nobody hopes to get may still come: the provider goes on by its own rules.
  if (status === 'uncollectible' || payment_amount === null) return
  const job = { tenant_no, invoice_id }
  await addJob(db, 'cancel_payment', job, { maxAttempts: PAYMENT_ATTEMPTS_MAX })
}
