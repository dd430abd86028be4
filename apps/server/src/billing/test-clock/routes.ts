import { fields, testClockBody, testClockReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { RecordAudit } from '../../lib/audit-entry.ts'
import type { ClosingDependencies } from '../invoices/close-periods.ts'
import { moveTestClock } from './move-clock.ts'

export function testClockRoutes(
  fastify: FastifyInstance,
  deps: ClosingDependencies & { audit: RecordAudit },
): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/api/admin/tenants/:id/clock',
    {
      config: { access: { object: 'tenants', action: 'write' } },
      schema: {
        tags: ['Tenants'],
        summary: "Move a tenant's test clock on",
        description:
          'Periods, resets, expiries and invoices follow before the reply. Tenants are given a test clock when they are made.',
        params: z.strictObject({ id: fields.tenantId }),
        body: testClockBody,
        response: { 200: testClockReply },
      },
    },
    async (request) => {
      const { params, body, caller } = request
      const tenantNo = await request.tenantNo(params.id)
      const to = Date.parse(body.now)
      const invoices = await moveTestClock(deps, tenantNo, caller.senderNo, to)
      const now = new Date(to).toISOString()
      await deps.audit(request.actor(), {
        tenantNo,
        action: 'tenant.clock_moved',
        object: { kind: 'tenant', id: params.id },
        after: { now },
      })
      return { tenant_id: params.id, now, invoices }
    },
  )
}
