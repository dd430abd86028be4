import {
  type CreditNote,
  creditNoteBody,
  creditNoteReply,
  creditNotesQuery,
  creditNotesReply,
  documentQuery,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { decodeCursor, page } from '../../lib/cursor.ts'
import { entryId, parseEntryId } from '../../lib/ids.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { PdfThread } from '../documents/pdf-thread.ts'
import { sendDocument } from '../documents/send-document.ts'
import { taxesOf } from '../invoices/invoice-json.ts'
import { type CreditDependencies, creditInvoice } from './credit-invoice.ts'
import { type CreditNoteRow, readCreditNote, readCreditNotes } from './store.ts'

const tags = ['Billing']
const config = { access: { object: 'billing', action: 'read' } }
const path = z.strictObject({ id: z.string().min(1).max(64) })

type CreditNoteRouteDependencies = CreditDependencies & { pdfs: PdfThread }

export function creditNoteRoutes(
  fastify: FastifyInstance,
  deps: CreditNoteRouteDependencies,
): void {
  readRoutes(fastify, deps)
  creditRoute(fastify, deps)
}

function readRoutes(fastify: FastifyInstance, { pool, pdfs }: CreditNoteRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/credit-notes',
    {
      config,
      schema: {
        tags,
        summary: 'Credit notes, newest first',
        querystring: creditNotesQuery,
        response: { 200: creditNotesReply },
      },
    },
    async (request) => {
      const { tenant_id, cursor, limit } = request.query
      const tenantNo = await request.tenantNo(tenant_id)
      const before = decodeCursor(cursor)
      const beforeId = before === null ? null : entryId('crn', tenantNo, before)
      const found = await readCreditNotes(pool, tenantNo, beforeId, limit + 1)
      const { rows, nextCursor } = page(found, limit, ({ credit_note_id }) => {
        return parseEntryId('crn', credit_note_id)!.seq
      })
      return { data: rows.map(creditNoteJson), next_cursor: nextCursor }
    },
  )
  app.get(
    '/api/billing/credit-notes/:id',
    {
      config,
      schema: {
        tags,
        summary: 'One credit note, as JSON, page, table or PDF',
        params: path,
        querystring: documentQuery,
        response: { 200: creditNoteReply },
      },
    },
    async ({ caller, params: { id }, query }, reply) => {
      const tenantNo = parseEntryId('crn', id)?.tenantNo ?? null
      const foreign = caller.tenant !== null && caller.tenant.tenantNo !== tenantNo
      const row = tenantNo === null || foreign ? null : await readCreditNote(pool, tenantNo, id)
      if (row === null) throw new ProblemError('not_found')
      return sendDocument(reply, query.format, creditNoteJson(row), pdfs) as never
    },
  )
}

function creditNoteJson({ document }: CreditNoteRow): CreditNote {
  const issued = document.issued as CreditNote
  return { ...issued, taxes: taxesOf(issued) }
}

function creditRoute(fastify: FastifyInstance, deps: CreditDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/admin/invoices/:id/credit-notes',
    {
      config: { access: { object: 'invoices', action: 'write' } },
      schema: {
        tags,
        summary: 'Credit an invoice, in part or in full',
        description:
          'Never more than it asks for. Credited in full, an invoice that is not paid counts as paid. The same key again answers with the same note, and 200.',
        params: path,
        body: creditNoteBody,
        response: { 200: creditNoteReply, 201: creditNoteReply },
      },
    },
    async (request, reply) => {
      const { params, body } = request
      const { note, isNew } = await creditInvoice(deps, request.actor(), params.id, body)
      return reply.code(isNew ? 201 : 200).send(note)
    },
  )
}
