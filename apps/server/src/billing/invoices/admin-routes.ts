import {
  adminInvoicesQuery,
  adminInvoicesReply,
  invoiceReply,
  invoiceStatusBody,
  revenueQuery,
  revenueReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { decodeCursorOf, page } from '../../lib/cursor.ts'
import { formatMoney, parseExact } from '../../lib/money.ts'
import { changeInvoiceStatus, type StatusDependencies } from './change-status.ts'
import { invoiceJson } from './invoice-json.ts'
import { invoicePath } from './routes.ts'
import { type InvoicePlace, readAllInvoices, readRevenue, type RevenueRow } from './store.ts'

const tags = ['Billing']
const config = { access: { object: 'all_invoices', action: 'read' } }

/** What operators see and do of all tenants' invoices. */
export function adminInvoiceRoutes(fastify: FastifyInstance, deps: StatusDependencies): void {
  listRoute(fastify, deps)
  revenueRoute(fastify, deps)
  statusRoute(fastify, deps)
}

function listRoute(fastify: FastifyInstance, { pool }: StatusDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/admin/invoices',
    {
      config,
      schema: {
        tags,
        summary: "All tenants' invoices, newest first",
        querystring: adminInvoicesQuery,
        response: { 200: adminInvoicesReply },
      },
    },
    async ({ query }) => {
      const { limit, status = null } = query
      const found = await readAllInvoices(pool, {
        status,
        testClocks: query.test_clock === 'true',
        before: placeOf(query.cursor),
        limit: limit + 1,
      })
      const { rows, nextCursor } = page(found, limit, (row) => [
        row.issued_at,
        row.tenant_no,
        row.period_start,
      ])
      const data = rows.map((row) => ({ ...invoiceJson(row), tenant_id: row.tenant_id }))
      return { data, next_cursor: nextCursor }
    },
  )
}

function placeOf(cursor: string | undefined): InvoicePlace | null {
  const place = decodeCursorOf(3, cursor)
  if (place === null) return null
  const [issuedAt, tenantNo, periodStart] = place as [number, number, number]
  return { issuedAt, tenantNo, periodStart }
}

function revenueRoute(fastify: FastifyInstance, { pool }: StatusDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/admin/revenue',
    {
      config,
      schema: {
        tags,
        summary: 'What was invoiced, and what became of it, by currency',
        querystring: revenueQuery,
        response: { 200: revenueReply },
      },
    },
    async ({ query }) => {
      const [from, to] = [Date.parse(query.from), Date.parse(query.to)]
      const rows = await readRevenue(pool, from, to)
      return {
        from: new Date(from).toISOString(),
        to: new Date(to).toISOString(),
        data: rows.map(revenueJson),
      }
    },
  )
}

function revenueJson(row: RevenueRow) {
  const { currency, invoices } = row
  const money = (text: string) => formatMoney(parseExact(text), currency)
  return {
    currency,
    invoices,
    issued: money(row.issued),
    credited: money(row.credited),
    paid: money(row.paid),
    outstanding: money(row.open),
    uncollectible: money(row.uncollectible),
    void: money(row.void),
  }
}

function statusRoute(fastify: FastifyInstance, deps: StatusDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/admin/invoices/:id/status',
    {
      config: { access: { object: 'invoices', action: 'write' } },
      schema: {
        tags,
        summary: 'Mark an invoice as paid, uncollectible or void',
        description:
          'open → paid, uncollectible or void; uncollectible → paid or void. The same again changes nothing. Who collects an invoice that is paid or void is told to stop.',
        params: invoicePath,
        body: invoiceStatusBody,
        response: { 200: invoiceReply },
      },
    },
    async (request) => {
      const { params, body } = request
      return invoiceJson(await changeInvoiceStatus(deps, request.actor(), params.id, body))
    },
  )
}
