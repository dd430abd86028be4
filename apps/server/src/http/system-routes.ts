import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import { z } from 'zod'
import { isMigrated } from '../db/migrate.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { makeMetrics } from './metrics.ts'

export type SystemDependencies = { pool: pg.Pool; ledger: Ledger; isStopping: () => boolean }

/** What operators' machines ask: is it alive, is it ready, how does it fare. */
export function systemRoutes(fastify: FastifyInstance, deps: SystemDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['System']
  const metrics = makeMetrics(deps.ledger)
  const status = z.object({ status: z.literal('ok') })

  app.get(
    '/health',
    {
      config: { access: { object: 'health', action: 'read' }, anyQuery: true },
      schema: { tags, summary: 'Alive', response: { 200: status } },
    },
    async () => ({ status: 'ok' as const }),
  )
  app.get(
    '/ready',
    {
      config: { access: { object: 'health', action: 'read' }, anyQuery: true },
      schema: { tags, summary: 'Database reachable, migrations done', response: { 200: status } },
    },
    async () => {
      if (deps.isStopping()) throw new ProblemError('stopping')
      if (!(await isMigrated(deps.pool))) {
        throw new ProblemError('database_unavailable', { detail: 'Migrations are not done.' })
      }
      return { status: 'ok' as const }
    },
  )
  app.get(
    '/metrics',
    {
      config: { access: { object: 'metrics', action: 'read' }, anyQuery: true },
      schema: {
        tags,
        summary: 'Figures of this node, for Prometheus',
        response: { 200: z.string().describe('Prometheus text') },
      },
    },
    async (_request, reply) => {
      const text = await metrics.metrics()
      return reply.header('content-type', metrics.contentType).serializer(String).send(text)
    },
  )
}
