import { fields, streamQuery, streamReply } from '@tollgate/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { accountAt } from '../../ledger/readings.ts'
import type { AnalyticsDependencies } from '../answer.ts'
import { isGated, needOf, requireFeature } from '../gate.ts'
import { beginsAfter, type StreamPlace } from './place.ts'
import { LiveStreams, type StreamsDependencies } from './streams.ts'

type Asked = StreamPlace & { tenant_id?: string | undefined; follow: 'true' | 'false' }

const SUMMARY = 'What happens, as it happens'
const DESCRIPTION =
  'Server-sent events. Who loses the connection sends the id of the last event in Last-Event-ID and misses nothing. Quiet streams have a comment every 15 seconds. Ends with `dropped` and a reason when its reader is too slow, its key or session or plan ends, or the server stops.'
const RESPONSE = {
  200: { description: 'OK', content: { 'text/event-stream': { schema: streamReply } } },
}
/** Neither kept nor packed nor held back by what stands between. */
const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
}

/** A tenant's log as it grows: for itself, and of any tenant for operators. */
export function streamRoutes(
  app: FastifyInstance,
  deps: AnalyticsDependencies & StreamsDependencies,
): void {
  const streams = new LiveStreams(deps)
  app.addHook('preClose', () => streams.stop())
  app.get(
    '/api/usage/stream',
    {
      config: { access: { object: 'entries', action: 'read' } },
      schema: {
        tags: ['Usage'],
        summary: SUMMARY,
        description: DESCRIPTION,
        querystring: streamQuery,
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const tenantNo = await request.tenantNo((request.query as Asked).tenant_id)
      const gated = isGated(request.caller)
      return follow(deps, streams, { request, reply }, { tenantNo, gated })
    },
  )
  app.get(
    '/api/admin/tenants/:id/usage/stream',
    {
      config: { access: { object: 'tenants', action: 'read' } },
      schema: {
        tags: ['Tenants'],
        summary: `${SUMMARY}, of any tenant and whatever its plan`,
        description: DESCRIPTION,
        params: z.strictObject({ id: fields.tenantId }),
        querystring: streamQuery.omit({ tenant_id: true }),
        response: RESPONSE,
      },
    },
    async (request, reply) => {
      const tenantNo = await request.tenantNo((request.params as { id: string }).id)
      return follow(deps, streams, { request, reply }, { tenantNo, gated: false })
    },
  )
}

async function follow(
  { pool, catalog, clock, log }: AnalyticsDependencies & StreamsDependencies,
  streams: LiveStreams,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  { tenantNo, gated }: { tenantNo: number; gated: boolean },
): Promise<FastifyReply> {
  const asked = request.query as Asked
  const { account, terms } = await accountAt(pool, catalog, tenantNo, clock.now())
  if (gated) requireFeature(catalog, terms, needOf('realtime'))
  const { lastSeq } = account
  const after = beginsAfter(request.headers['last-event-id'], asked, lastSeq)
  // Who is gone already would never be seen to go.
  if (request.method === 'HEAD' || reply.raw.destroyed) return reply.headers(HEADERS).send()
  const stream = streams.open({
    tenantNo,
    after,
    lastSeq,
    follow: asked.follow === 'true',
    gated,
    stillMay: () => request.stillMay(),
    abort: () => reply.raw.destroy(),
  })
  reply.raw.once('close', () => {
    stream.outlet.destroy()
    streams.close(stream)
  })
  stream.run().catch((error: unknown) => {
    log.error({ err: error, request_id: request.id }, 'a stream failed')
    reply.raw.destroy()
  })
  return reply.headers(HEADERS).send(stream.outlet)
}
