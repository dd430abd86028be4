import type { CreditNote, DocumentFormat, Invoice } from '@tollgate/contract'
import type { FastifyReply } from 'fastify'
import type { BillingDocument } from './document-content.ts'
import { invoiceCsv } from './invoice-csv.ts'
import { invoiceHtml } from './invoice-html.ts'
import { INVOICE_STYLE_SOURCE } from './invoice-style.ts'
import type { PdfThread } from './pdf-thread.ts'

/** A page that runs and loads nothing, in a style of its own. */
const CSP_OF_INVOICE = [
  "default-src 'none'",
  `style-src ${INVOICE_STYLE_SOURCE}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Answers with an invoice or credit note as JSON, page, table or PDF. */
export async function sendDocument(
  reply: FastifyReply,
  format: DocumentFormat,
  document: Invoice | CreditNote,
  pdfs: PdfThread,
): Promise<unknown> {
  // A response's schema says what JSON looks like; of the others it knows nothing.
  const send = (type: string, body: string | Buffer) =>
    reply
      .type(type)
      .serializer((data: unknown) => data as string)
      .send(body)
  switch (format) {
    case 'json':
      return document
    case 'html':
      reply.header('content-security-policy', CSP_OF_INVOICE)
      return send('text/html; charset=utf-8', invoiceHtml(document))
    case 'csv':
      reply.header('content-disposition', attachment(document, 'csv'))
      return send('text/csv; charset=utf-8', invoiceCsv(document))
    case 'pdf': {
      const pdf = await pdfs.invoicePdf(document)
      reply.header('content-disposition', attachment(document, 'pdf'))
      return send('application/pdf', pdf)
    }
  }
}

/** Numbers are ours and plain; a draft has none. */
function attachment(document: BillingDocument, ending: string): string {
  return `attachment; filename="${document.number ?? 'draft'}.${ending}"`
}
