import {
  creditEntriesQuery,
  creditsQuery,
  creditsStateReply,
  entriesReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../lib/clock.ts'
import { creditEntries } from './credit-entries.ts'
import { readCredits } from './credit-readings.ts'
import { entryReply, type SenderNames, sendersOf } from './entry-reply.ts'

export type CreditDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  /** Who the numbers stand for, under which a log remembers who sent a line. */
  senderNames: (senderNos: number[]) => Promise<SenderNames>
}

/** What tenants read of their credits. */
export function creditRoutes(fastify: FastifyInstance, deps: CreditDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Credits']

  app.get(
    '/api/credits',
    {
      config: { access: { object: 'usage', action: 'read' } },
      schema: {
        tags,
        summary: 'Balance, grants in burn order, and when it runs out',
        querystring: creditsQuery,
        response: { 200: creditsStateReply },
      },
    },
    async (request) => readCredits(deps, await request.tenantNo(request.query.tenant_id)),
  )
  app.get(
    '/api/credits/entries',
    {
      config: { access: { object: 'entries', action: 'read' } },
      schema: {
        tags,
        summary: 'What changed the balance, newest first',
        description:
          'Grants, allowances, expiries, adjustments, settlements and voids; with `calls=true` also the calls that burned.',
        querystring: creditEntriesQuery,
        response: { 200: entriesReply },
      },
    },
    async (request) => {
      const { tenant_id, cursor, limit, calls } = request.query
      const tenantNo = await request.tenantNo(tenant_id)
      const wanted = { cursor, limit, calls: calls === 'true' }
      const { rows, nextCursor } = await creditEntries(deps.pool, tenantNo, wanted)
      const names = await deps.senderNames(sendersOf(rows))
      return { data: rows.map((entry) => entryReply(entry, names)), next_cursor: nextCursor }
    },
  )
}
