import { topUpBody, topUpReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { RecordAudit } from '../../lib/audit-entry.ts'
import type { SubscriptionDependencies } from '../subscription/change-subscription.ts'
import { buyCredits } from './buy-credits.ts'

export function topUpRoutes(
  fastify: FastifyInstance,
  deps: SubscriptionDependencies & { audit: RecordAudit },
): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/credits/top-ups',
    {
      config: { access: { object: 'subscription', action: 'write' } },
      schema: {
        tags: ['Credits'],
        summary: 'Buy credits',
        description:
          'Where the plan has a price for them. They can be used at once, do not expire, and are a line of the invoice of the running period, also in a trial.',
        body: topUpBody,
        response: { 201: topUpReply },
      },
    },
    async (request, reply) => {
      const { credits, tenant_id, idempotency_key: key } = request.body
      const { senderNo, tenant } = request.caller
      const tenantNo = await request.tenantNo(tenant_id)
      const bought = await buyCredits(deps, tenantNo, senderNo, { credits, key })
      const { currency, amount, balance, seq } = bought
      await deps.audit(request.actor(), {
        tenantNo,
        action: 'credits.bought',
        object: { kind: 'tenant', id: tenant?.tenantId ?? tenant_id ?? null },
        after: { credits, currency, amount, balance },
        logSeq: seq,
      })
      return reply.code(201).send(bought)
    },
  )
}
