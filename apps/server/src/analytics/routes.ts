import {
  breakdownReply,
  currentReply,
  fields,
  forecastReply,
  historyQuery,
  historyReply,
  keysUsageReply,
  metricsReply,
  performanceReply,
  rangeQuery,
  recommendationsReply,
  summaryReply,
  teamsUsageReply,
  tenantQuery,
  timeseriesQuery,
  timeseriesReply,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type AnalyticsDependencies, answer, type Verb } from './answer.ts'
import { usageBreakdown } from './breakdown.ts'
import { usageCurrent } from './current.ts'
import { exportRoutes } from './export/routes.ts'
import { usageForecast } from './forecast/usage-forecast.ts'
import { isGated } from './gate.ts'
import { usageHistory } from './history.ts'
import { expositionFormat } from './metrics/exposition.ts'
import { type MetricsText, usageMetrics } from './metrics/metrics.ts'
import { usagePerformance } from './performance.ts'
import { usageRecommendations } from './recommendations/recommend.ts'
import { usageByKey, usageByTeam } from './senders.ts'
import { summary } from './summary.ts'
import { streamRoutes } from './stream/routes.ts'
import type { StreamsDependencies } from './stream/streams.ts'
import { usageTimeseries } from './timeseries.ts'

type Asked = { tenant_id?: string | undefined }
type Reading = {
  name: string
  summary: string
  description?: string
  query: z.ZodObject
  reply: z.ZodType
  verb: Verb<never, unknown>
  /** What the headers of a request ask for besides its query. */
  asks?: (request: FastifyRequest) => object
  /** Of a body that is no JSON. */
  send?: (reply: FastifyReply, body: never) => FastifyReply
}

const READINGS: readonly Reading[] = [
  {
    name: 'summary',
    summary: 'Usage of the running period and where it is heading',
    query: tenantQuery,
    reply: summaryReply,
    verb: summary,
  },
  {
    name: 'history',
    summary: 'Usage over time, also where there was none',
    query: historyQuery,
    reply: historyReply,
    verb: usageHistory,
  },
  {
    name: 'current',
    summary: 'Today, the last hour, and the quota',
    query: tenantQuery,
    reply: currentReply,
    verb: usageCurrent,
  },
  {
    name: 'breakdown',
    summary: 'Usage by the formats that went in and came out',
    query: rangeQuery,
    reply: breakdownReply,
    verb: usageBreakdown,
  },
  {
    name: 'performance',
    summary: 'How long calls took, how large files were, what failed and why',
    query: rangeQuery,
    reply: performanceReply,
    verb: usagePerformance,
  },
  {
    name: 'keys',
    summary: 'Usage by who sent it',
    query: rangeQuery,
    reply: keysUsageReply,
    verb: usageByKey,
  },
  {
    name: 'teams',
    summary: 'Usage by the teams that keys belong to',
    query: rangeQuery,
    reply: teamsUsageReply,
    verb: usageByTeam,
  },
  {
    name: 'timeseries',
    summary: 'Usage over time by the values of one dimension',
    query: timeseriesQuery,
    reply: timeseriesReply,
    verb: usageTimeseries,
  },
  {
    name: 'forecast',
    summary: 'Where usage, cost, quota and credits are heading, with an interval',
    description:
      'From whole days of at most twelve weeks, with weekdays and a trend. Calls that are denied are in no number.',
    query: tenantQuery,
    reply: forecastReply,
    verb: usageForecast,
  },
  {
    name: 'recommendations',
    summary: 'What costs more than it must, with the numbers behind it',
    description:
      'Plans are compared by what was measured in the last three periods; the log is not decided again. Who may not read bills is not told of plans.',
    query: tenantQuery,
    reply: recommendationsReply,
    verb: usageRecommendations,
  },
  {
    name: 'metrics',
    summary: 'Counters of all calls ever, and what is left, for Prometheus',
    query: tenantQuery,
    reply: metricsReply,
    verb: usageMetrics,
    asks: ({ headers }) => ({ form: expositionFormat(headers.accept) }),
    send: sendMetrics,
  },
]

/** The Usage API: for the tenant itself, and of any tenant for operators. */
export function analyticsRoutes(
  app: FastifyInstance,
  deps: AnalyticsDependencies & StreamsDependencies,
): void {
  for (const reading of READINGS) {
    ownRoute(app, deps, reading)
    operatorRoute(app, deps, reading)
  }
  streamRoutes(app, deps)
  exportRoutes(app, deps)
}

const CACHING =
  'Carries a strong ETag; asked again with If-None-Match it answers 304 while it holds.'

function described(description: string | undefined): string {
  return description === undefined ? CACHING : `${description} ${CACHING}`
}

function ownRoute(app: FastifyInstance, deps: AnalyticsDependencies, reading: Reading): void {
  const { name, summary, description, query, reply: answered, verb, asks } = reading
  app.get(
    `/api/usage/${name}`,
    {
      config: { access: { object: 'usage', action: 'read' } },
      schema: {
        tags: ['Usage'],
        summary,
        description: described(description),
        querystring: query,
        response: { 200: answered },
      },
    },
    async (request, reply) => {
      const { tenant_id, ...query } = request.query as Asked
      const asked = { ...query, ...asks?.(request) }
      const tenantNo = await request.tenantNo(tenant_id)
      const gated = isGated(request.caller)
      const body = await answer(deps, { request, reply }, { tenantNo, gated }, verb, asked as never)
      return sent(reply, reading, body)
    },
  )
}

function operatorRoute(app: FastifyInstance, deps: AnalyticsDependencies, reading: Reading): void {
  const { name, summary, description, query, reply: answered, verb, asks } = reading
  app.get(
    `/api/admin/tenants/:id/usage/${name}`,
    {
      config: { access: { object: 'tenants', action: 'read' } },
      schema: {
        tags: ['Tenants'],
        summary: `${summary}, of any tenant and whatever its plan`,
        description: described(description),
        params: z.strictObject({ id: fields.tenantId }),
        querystring: query.omit({ tenant_id: true }),
        response: { 200: answered },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { id: string }
      const whose = { tenantNo: await request.tenantNo(id), gated: false }
      const asked = { ...(request.query as object), ...asks?.(request) }
      const body = await answer(deps, { request, reply }, whose, verb, asked as never)
      return sent(reply, reading, body)
    },
  )
}

/** Nothing where the asker has it already. */
function sent(reply: FastifyReply, { send }: Reading, body: unknown): unknown {
  if (body === null) return reply.send()
  return send === undefined ? body : send(reply, body as never)
}

function sendMetrics(reply: FastifyReply, { type, text }: MetricsText): FastifyReply {
  return reply.header('content-type', type).serializer(String).send(text)
}
