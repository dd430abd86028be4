import {
  documentQuery,
  invoiceReply,
  invoicesQuery,
  invoicesReply,
  tenantQuery,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Caller } from '../../lib/caller.ts'
import { decodeCursor, page } from '../../lib/cursor.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { PdfThread } from '../documents/pdf-thread.ts'
import { sendDocument } from '../documents/send-document.ts'
import { draftJson, invoiceJson, tenantOfInvoice } from './invoice-json.ts'
import { readInvoice, readInvoices, type InvoiceRow } from './store.ts'
import { type UpcomingDependencies, upcomingInvoice } from './upcoming.ts'

const config = { access: { object: 'billing', action: 'read' } }
const tags = ['Billing']
export const invoicePath = z.strictObject({ id: z.string().min(1).max(64) })

export type InvoiceRouteDependencies = UpcomingDependencies & { pdfs: PdfThread }

export function invoiceRoutes(fastify: FastifyInstance, deps: InvoiceRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/upcoming',
    {
      config,
      schema: {
        tags,
        summary: 'The invoice of the running period as it would be now',
        querystring: tenantQuery,
        response: { 200: invoiceReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      const { draft, credit } = await upcomingInvoice(deps, tenantNo)
      return draftJson(draft, credit)
    },
  )
  app.get(
    '/api/billing/invoices',
    {
      config,
      schema: {
        tags,
        summary: 'Issued invoices, newest first',
        querystring: invoicesQuery,
        response: { 200: invoicesReply },
      },
    },
    async (request) => {
      const { tenant_id, cursor, limit } = request.query
      const tenantNo = await request.tenantNo(tenant_id)
      const found = await readInvoices(deps.pool, tenantNo, decodeCursor(cursor), limit + 1)
      const { rows, nextCursor } = page(found, limit, (row) => row.period_start)
      return { data: rows.map(invoiceJson), next_cursor: nextCursor }
    },
  )
  app.get(
    '/api/billing/invoices/:id',
    {
      config,
      schema: {
        tags,
        summary: 'One invoice, as JSON, page, table or PDF',
        params: invoicePath,
        querystring: documentQuery,
        response: { 200: invoiceReply },
      },
    },
    async (request, reply) => {
      const row = await ownInvoice(deps, request.caller, request.params.id)
      return sendDocument(reply, request.query.format, invoiceJson(row), deps.pdfs) as never
    },
  )
}

/** @throws ProblemError not_found, for what is no id, not issued, or another tenant's alike */
export async function ownInvoice(
  { pool }: Pick<UpcomingDependencies, 'pool'>,
  { tenant }: Pick<Caller, 'tenant'>,
  invoiceId: string,
): Promise<InvoiceRow> {
  const tenantNo = tenantOfInvoice(invoiceId)
  const foreign = tenant !== null && tenant.tenantNo !== tenantNo
  const row = tenantNo === null || foreign ? null : await readInvoice(pool, tenantNo, invoiceId)
  if (row === null) throw new ProblemError('not_found')
  return row
}
