import {
  creditsBody,
  creditsReply,
  entriesQuery,
  entriesReply,
  fields,
  holdBody,
  holdReply,
  quotaReply,
  settleBody,
  tenantQuery,
  voidBody,
  voidReply,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import { z } from 'zod'
import type { RecordAudit } from '../lib/audit-entry.ts'
import { decodeCursor, page } from '../lib/cursor.ts'
import { parseEntryId } from '../lib/ids.ts'
import { creditRoutes } from './credit-routes.ts'
import { giveCredits } from './credit-verbs.ts'
import { entryReply, type SenderNames, sendersOf } from './entry-reply.ts'
import { makeHold, releaseHold, settleHold } from './hold-verbs.ts'
import { readQuota } from './quota.ts'
import { readEntriesBackward } from './store.ts'
import type { TrackDependencies } from './track.ts'
import { voidEvent } from './void-verb.ts'

/**
 * Gives credits that are to be on a bill, unless the tenant's plan sells none; what was given under the same
 * key was sold already.
 * @throws ProblemError credits_not_sold, subscription_conflict
 */
export type GiveSold = <T>(
  tenantNo: number,
  key: string | undefined,
  give: () => Promise<T>,
) => Promise<T>

export type LedgerDependencies = TrackDependencies & {
  pool: pg.Pool
  /** Who the numbers stand for, under which a log remembers who sent a line. */
  senderNames: (senderNos: number[]) => Promise<SenderNames>
  giveSold: GiveSold
  /** Tells the audit log of what was committed. */
  audit: RecordAudit
}

const linePath = z.strictObject({ id: z.string().min(1).max(64) })
const tenantPath = z.strictObject({ id: fields.tenantId })

/** What senders do besides tracking, and what tenants read of their account and log. */
export function ledgerRoutes(fastify: FastifyInstance, deps: LedgerDependencies): void {
  holdRoutes(fastify, deps)
  correctionRoutes(fastify, deps)
  readingRoutes(fastify, deps)
  creditRoutes(fastify, deps)
}

function holdRoutes(fastify: FastifyInstance, deps: LedgerDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { access: { object: 'holds', action: 'write' } }
  const tags = ['Holds']

  app.post(
    '/api/holds',
    {
      config,
      schema: {
        tags,
        summary: 'Set credits aside for work whose cost is not known yet',
        body: holdBody,
        response: { 201: holdReply },
      },
    },
    async (request, reply) => reply.code(201).send(await makeHold(deps, request, request.body)),
  )
  app.post(
    '/api/holds/:id/settle',
    {
      config,
      schema: {
        tags,
        summary: 'Charge what the work really cost',
        params: linePath,
        body: settleBody,
        response: { 200: holdReply },
      },
    },
    async (request) => settleHold(deps, request, request.params.id, request.body),
  )
  app.post(
    '/api/holds/:id/release',
    {
      config,
      schema: {
        tags,
        summary: 'Free held credits without charging',
        params: linePath,
        response: { 200: holdReply },
      },
    },
    async (request) => releaseHold(deps, request, request.params.id),
  )
}

function correctionRoutes(fastify: FastifyInstance, deps: LedgerDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()

  app.post(
    '/api/events/:id/void',
    {
      config: { access: { object: 'events', action: 'void' } },
      schema: {
        tags: ['Events'],
        summary: 'Compensate a call: credits and quota come back',
        description: "Not with a tenant's key: nobody takes back what they owe themselves.",
        params: linePath,
        body: voidBody,
        response: { 200: voidReply },
      },
    },
    async (request) => {
      const { id } = request.params
      const { reason } = request.body
      const voided = await voidEvent(deps, request, id, reason)
      await deps.audit(request.actor(), {
        tenantNo: parseEntryId('evt', id)!.tenantNo,
        action: 'event.voided',
        object: { kind: 'event', id },
        after: { reason, refunded: voided.credits.refunded },
        logSeq: voided.seq,
      })
      return voided
    },
  )
  app.post(
    '/api/admin/tenants/:id/credits',
    {
      config: { access: { object: 'credits', action: 'write' } },
      schema: {
        tags: ['Tenants'],
        summary: 'Give a tenant credits, or take some back',
        params: tenantPath,
        body: creditsBody,
        response: { 201: creditsReply },
      },
    },
    async (request, reply) => {
      const { body } = request
      const tenantNo = await request.tenantNo(request.params.id)
      const give = () => giveCredits(deps, tenantNo, request.caller.senderNo, body)
      const given = await (body.bought === true
        ? deps.giveSold(tenantNo, body.idempotency_key, give)
        : give())
      const { idempotency_key, ...told } = body
      await deps.audit(request.actor(), {
        tenantNo,
        action: body.amount > 0 ? 'credits.given' : 'credits.taken',
        object: { kind: 'tenant', id: request.params.id },
        after: { ...told, balance: given.balance },
        logSeq: given.seq,
      })
      return reply.code(201).send(given)
    },
  )
}

function readingRoutes(fastify: FastifyInstance, deps: LedgerDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Usage']

  app.get(
    '/api/quota',
    {
      config: { access: { object: 'usage', action: 'read' } },
      schema: {
        tags,
        summary: 'What is left: quota, credits, rate limits',
        querystring: tenantQuery,
        response: { 200: quotaReply },
      },
    },
    async (request) => readQuota(deps, await request.tenantNo(request.query.tenant_id)),
  )
  app.get(
    '/api/entries',
    {
      config: { access: { object: 'entries', action: 'read' } },
      schema: {
        tags,
        summary: "The tenant's log, newest first",
        querystring: entriesQuery,
        response: { 200: entriesReply },
      },
    },
    async (request) => {
      const { tenant_id, cursor, limit } = request.query
      const tenantNo = await request.tenantNo(tenant_id)
      const found = await readEntriesBackward(deps.pool, tenantNo, decodeCursor(cursor), limit + 1)
      const { rows, nextCursor } = page(found, limit, ({ seq }) => seq)
      const names = await deps.senderNames(sendersOf(rows))
      return { data: rows.map((entry) => entryReply(entry, names)), next_cursor: nextCursor }
    },
  )
}
