import { readInvoice } from '../invoices/store.ts'
import { creditsToTell } from './credits-to-tell.ts'
import type { CollectingDependencies } from './request-payment.ts'
import { readNotesToTell } from './store.ts'

/** Has the provider ask for as much less as was credited since it was asked. May be done again. */
export async function tellCredits(
  { pool, payments }: Pick<CollectingDependencies, 'pool' | 'payments'>,
  tenantNo: number,
  invoiceId: string,
): Promise<void> {
  const invoice = await readInvoice(pool, tenantNo, invoiceId)
  // Without a reference it is being asked for now, and whoever does that will have this done again.
  const reference = invoice?.payment_reference ?? null
  if (invoice === null || reference === null) return
  const notes = await readNotesToTell(pool, tenantNo, invoiceId)
  for (const credit of creditsToTell(invoice, notes)) await payments.credit(reference, credit)
}
