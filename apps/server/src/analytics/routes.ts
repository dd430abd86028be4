import { summaryReply, tenantQuery } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Clock } from '../lib/clock.ts'
import { usageSummary } from './summary.ts'

export type AnalyticsDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock }

/** The Usage API. */
export function analyticsRoutes(fastify: FastifyInstance, deps: AnalyticsDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/usage/summary',
    {
      config: { access: { object: 'usage', action: 'read' } },
      schema: {
        tags: ['Usage'],
        summary: 'Usage of the running period and where it is heading',
        querystring: tenantQuery,
        response: { 200: summaryReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      const { pool, catalog, clock } = deps
      const { account, terms, now } = await accountAt(pool, catalog, tenantNo, clock.now())
      return usageSummary(account, terms, now)
    },
  )
}
