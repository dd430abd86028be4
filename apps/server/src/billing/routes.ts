import { billingReply, tenantQuery } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Clock } from '../lib/clock.ts'
import { wirePeriod } from '../lib/wire-period.ts'
import { estimateRoute } from './estimate-route.ts'
import { rateRunningPeriod } from './rate.ts'

export type BillingDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock }

export function billingRoutes(fastify: FastifyInstance, deps: BillingDependencies): void {
  estimateRoute(fastify, deps)
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/billing/current',
    {
      config: { access: { object: 'billing', action: 'read' } },
      schema: {
        tags: ['Billing'],
        summary: 'Lines and total of the running period',
        querystring: tenantQuery,
        response: { 200: billingReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      const { account, terms } = await accountAt(
        deps.pool,
        deps.catalog,
        tenantNo,
        deps.clock.now(),
      )
      const { used, creditsBurned, creditsOverage } = account.counters
      return {
        plan: terms.plan,
        period: wirePeriod(account.period, account.timeZone),
        ...rateRunningPeriod({ terms, used, creditsBurned, creditsOverage }),
      }
    },
  )
}
