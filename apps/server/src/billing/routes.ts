import { billingReply, tenantQuery } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { RecordAudit } from '../lib/audit-entry.ts'
import { wirePeriod } from '../lib/wire-period.ts'
import { backtestRoutes } from './backtest/routes.ts'
import type { PdfThread } from './documents/pdf-thread.ts'
import type { AppendAudit } from '../db/append-audit.ts'
import type { CollectingDependencies } from './collecting/request-payment.ts'
import { paymentEventRoutes } from './collecting/routes.ts'
import { creditNoteRoutes } from './credit-notes/routes.ts'
import { estimateRoute } from './estimate-route.ts'
import { explainRoutes } from './explain/routes.ts'
import { adminInvoiceRoutes } from './invoices/admin-routes.ts'
import type { ClosingDependencies } from './invoices/close-periods.ts'
import { invoiceRoutes } from './invoices/routes.ts'
import { upcomingInvoice } from './invoices/upcoming.ts'
import { profileRoutes } from './profile/routes.ts'
import { runningBill } from './rate.ts'
import { subscriptionRoutes } from './subscription/routes.ts'
import { testClockRoutes } from './test-clock/routes.ts'
import { topUpRoutes } from './top-ups/routes.ts'

export type BillingDependencies = ClosingDependencies &
  CollectingDependencies & { audit: RecordAudit; appendAudit: AppendAudit; pdfs: PdfThread }

export function billingRoutes(fastify: FastifyInstance, deps: BillingDependencies): void {
  currentRoute(fastify, deps)
  invoiceRoutes(fastify, deps)
  explainRoutes(fastify, deps)
  subscriptionRoutes(fastify, deps)
  topUpRoutes(fastify, deps)
  testClockRoutes(fastify, deps)
  estimateRoute(fastify, deps)
  backtestRoutes(fastify, deps)
  profileRoutes(fastify, deps)
  adminInvoiceRoutes(fastify, deps)
  creditNoteRoutes(fastify, deps)
  paymentEventRoutes(fastify, deps)
}

function currentRoute(fastify: FastifyInstance, deps: BillingDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/current',
    {
      config: { access: { object: 'billing', action: 'read' } },
      schema: {
        tags: ['Billing'],
        summary: 'Lines and total of the running period',
        description:
          'What the period itself costs: without corrections of earlier ones, discounts and tax.',
        querystring: tenantQuery,
        response: { 200: billingReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      const { draft, lines } = await upcomingInvoice(deps, tenantNo)
      return {
        plan: draft.plan,
        period: wirePeriod(draft.period, draft.timeZone),
        ...runningBill(lines, draft.currency),
      }
    },
  )
}
