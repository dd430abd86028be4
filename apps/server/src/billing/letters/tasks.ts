import type pg from 'pg'
import { z } from 'zod'
import type { Tasks } from '../../db/jobs.ts'
import type { Mailer } from '../../delivery/mailer.ts'
import type { PdfThread } from '../documents/pdf-thread.ts'
import { invoiceJson } from '../invoices/invoice-json.ts'
import { readInvoice } from '../invoices/store.ts'
import { readBilledTenant } from '../profile/store.ts'
import { invoiceLetter } from './invoice-letter.ts'

export type LetterDependencies = {
  pool: pg.Pool
  mailer: Mailer
  /** Where people reach this server, without a slash at the end. */
  publicUrl: () => string
  pdfs: Pick<PdfThread, 'invoicePdf'>
}

const payloadOf = z.object({ tenant_no: z.number(), invoice_id: z.string() })

/** One e-mail for each invoice; a second one only where a node dies between sending it and saying so. */
export function letterTasks({ pool, mailer, publicUrl, pdfs }: LetterDependencies): Tasks {
  return {
    async send_invoice(payload) {
      const { tenant_no, invoice_id } = payloadOf.parse(payload)
      const row = await readInvoice(pool, tenant_no, invoice_id)
      if (row === null) return
      const tenant = await readBilledTenant(pool, tenant_no)
      if (tenant.has_test_clock) return
      const invoice = invoiceJson(row)
      const to = invoice.customer.email ?? tenant.email
      const pdf = {
        filename: `${invoice.number}.pdf`,
        contentType: 'application/pdf',
        content: await pdfs.invoicePdf(invoice),
      }
      await mailer.send({ ...invoiceLetter(invoice, to, publicUrl()), attachments: [pdf] })
    },
  }
}
