import { z } from 'zod'
import type { Tasks } from '../../db/jobs.ts'
import { readInvoice } from '../invoices/store.ts'
import { type CollectingDependencies, requestPayment } from './request-payment.ts'
import { tellCredits } from './tell-credits.ts'

export const invoicePayload = z.object({ tenant_no: z.number(), invoice_id: z.string() })

/** What is asked of a payment provider. Each may be done again. */
export function collectingTasks(deps: CollectingDependencies): Tasks {
  return {
    async request_payment(payload) {
      const { tenant_no, invoice_id } = invoicePayload.parse(payload)
      await requestPayment(deps, tenant_no, invoice_id)
    },
    async credit_payment(payload) {
      const { tenant_no, invoice_id } = invoicePayload.parse(payload)
      await tellCredits(deps, tenant_no, invoice_id)
    },
    async cancel_payment(payload) {
      const { tenant_no, invoice_id } = invoicePayload.parse(payload)
      const invoice = await readInvoice(deps.pool, tenant_no, invoice_id)
      // Without a reference it is being asked for now, and whoever does that will stop it.
      const reference = invoice?.payment_reference ?? null
      if (reference !== null) await deps.payments.cancel(reference)
    },
  }
}
