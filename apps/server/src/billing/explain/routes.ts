import { explainReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { logOf } from '../../ledger/log.ts'
import { invoicePath, ownInvoice } from '../invoices/routes.ts'
import { readVoidsBefore } from '../invoices/store.ts'
import { readCreditStory } from './amount-due.ts'
import { explainInvoice } from './explain.ts'
import { readLateLines } from './late-lines.ts'

export function explainRoutes(
  fastify: FastifyInstance,
  deps: { pool: pg.Pool; catalog: Catalog },
): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/invoices/:id/explain',
    {
      config: { access: { object: 'billing', action: 'read' } },
      schema: {
        tags: ['Billing'],
        summary: 'How each line of an invoice was worked out',
        description:
          'Its rule, the plan version, the lines of the log that were measured, and the math; then from the total to what is due, with the invoices that credit came from. `tollgate verify --invoices` works all of it out again.',
        params: invoicePath,
        response: { 200: explainReply },
      },
    },
    async (request) => {
      const row = await ownInvoice(deps, request.caller, request.params.id)
      const late = await readLateLines(deps.pool, row)
      const voids = await readVoidsBefore(deps.pool, row.tenant_no, row.invoice_id)
      const credit = await readCreditStory(deps.pool, row)
      const cut = await logOf(deps.pool, row.tenant_no).cut()
      const isPast = cut !== null && row.period_start < cut.keptFrom
      return explainInvoice(row, deps.catalog, { late, voids, credit, isPast })
    },
  )
}
