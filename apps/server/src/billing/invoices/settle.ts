import { addJob } from '../../db/jobs.ts'
import type { Queryable } from '../../db/pool.ts'
import { PAYMENT_ATTEMPTS_MAX } from '../../limits.ts'
import { type InvoiceRow, writeStatus } from './store.ts'

/** In the transaction that holds the invoice. Who was asked to collect it is told to stop. */
export async function settleInvoice(
  db: Queryable,
  invoice: InvoiceRow,
  status: 'paid' | 'uncollectible' | 'void',
  now: number,
): Promise<void> {
  const { tenant_no, invoice_id, payment_amount } = invoice
  await writeStatus(db, tenant_no, invoice_id, { status, paidAt: status === 'paid' ? now : null })
  // What nobody hopes to get may still come: the provider goes on by its own rules.
  if (status === 'uncollectible' || payment_amount === null) return
  const job = { tenant_no, invoice_id }
  await addJob(db, 'cancel_payment', job, { maxAttempts: PAYMENT_ATTEMPTS_MAX })
}
