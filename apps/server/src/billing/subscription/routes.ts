import {
  cancelBody,
  pauseBody,
  subscriptionBody,
  subscriptionPreviewReply,
  subscriptionReply,
  tenantQuery,
} from '@tollgate/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { RecordAudit } from '../../lib/audit-entry.ts'
import {
  type Asked,
  changeSubscription,
  type SubscriptionDependencies,
} from './change-subscription.ts'
import { type PreviewDependencies, previewSubscription } from './preview.ts'
import { subscriptionAt } from './subscription-at.ts'

export type SubscriptionRouteDependencies = SubscriptionDependencies &
  PreviewDependencies & { audit: RecordAudit }

const reading = { access: { object: 'subscription', action: 'read' } }
const writing = { access: { object: 'subscription', action: 'write' } }
const tags = ['Subscription']
const response = { 200: subscriptionReply }

export function subscriptionRoutes(
  fastify: FastifyInstance,
  deps: SubscriptionRouteDependencies,
): void {
  planRoutes(fastify, deps)
  stateRoutes(fastify, deps)
}

function planRoutes(fastify: FastifyInstance, deps: SubscriptionRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/subscription',
    {
      config: reading,
      schema: {
        tags,
        summary: 'The plan, and what is about to happen to it',
        querystring: tenantQuery,
        response,
      },
    },
    async (request) =>
      subscriptionAt(deps.pool, deps, await request.tenantNo(request.query.tenant_id)),
  )
  app.post(
    '/api/subscription',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Take a plan, now or when the period ends',
        description:
          'Its limits hold from the next call on. Who is canceled begins again. The plan that runs already takes back what was to follow it, and changes nothing else.',
        body: subscriptionBody,
        response,
      },
    },
    async (request) => {
      const { plan, when } = request.body
      return change(deps, request, request.body, { kind: 'plan', plan, when })
    },
  )
  app.post(
    '/api/subscription/preview',
    {
      config: reading,
      schema: {
        tags,
        summary: 'What a change of plan would cost and bring',
        description: 'Changes nothing. An idempotency key is not used up.',
        body: subscriptionBody,
        response: { 200: subscriptionPreviewReply },
      },
    },
    async (request) => {
      const { tenant_id, plan, when } = request.body
      const tenantNo = await request.tenantNo(tenant_id)
      return previewSubscription(deps, request.caller, tenantNo, { kind: 'plan', plan, when })
    },
  )
}

function stateRoutes(fastify: FastifyInstance, deps: SubscriptionRouteDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/subscription/cancel',
    {
      config: writing,
      schema: {
        tags,
        summary: 'End the subscription, when the period ends or now',
        body: cancelBody,
        response,
      },
    },
    async (request) => {
      const { when = 'period_end', ...subject } = request.body ?? {}
      return change(deps, request, subject, { kind: 'cancel', when })
    },
  )
  app.post(
    '/api/subscription/pause',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Take no calls and ask no fees until it is resumed',
        description: 'What was asked in advance for the running period stays asked.',
        body: pauseBody,
        response,
      },
    },
    async (request) => change(deps, request, request.body ?? {}, { kind: 'pause' }),
  )
  app.post(
    '/api/subscription/resume',
    {
      config: writing,
      schema: {
        tags,
        summary: 'End a pause, or take back what was to happen when the period ends',
        body: pauseBody,
        response,
      },
    },
    async (request) => change(deps, request, request.body ?? {}, { kind: 'resume' }),
  )
}

type Subject = { tenant_id?: string | undefined; idempotency_key?: string | undefined }

/** Told to the audit log right after the tenant's own log has committed it. */
async function change(
  deps: SubscriptionRouteDependencies,
  request: FastifyRequest,
  { tenant_id, idempotency_key }: Subject,
  asked: Asked,
) {
  const tenantNo = await request.tenantNo(tenant_id)
  const changed = await changeSubscription(deps, request.caller, tenantNo, asked, idempotency_key)
  const { before, after, logSeq } = changed
  if (logSeq !== null) {
    await deps.audit(request.actor(), {
      tenantNo,
      action: 'subscription.changed',
      object: { kind: 'subscription', id: null },
      before: told(before),
      after: told(after),
      logSeq,
    })
  }
  return after
}

function told({
  plan,
  plan_version,
  status,
  trial_end,
  pending,
}: typeof subscriptionReply._output) {
  return { plan, plan_version, status, trial_end, pending }
}
