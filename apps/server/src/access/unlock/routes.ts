import { fields } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { type UnlockDependencies, unlockMember, unlockTenant } from './unlock.ts'

const tenantPath = z.strictObject({ id: fields.tenantId })
const memberPath = z.strictObject({ id: z.string().min(1).max(64) })

/** What an admin does for people whose sign-in is locked. */
export function unlockRoutes(fastify: FastifyInstance, deps: UnlockDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const config = { access: { object: 'sign_in', action: 'unlock' } }
  const description = 'Of locks after failed sign-ins. There need not be one.'
  const response = { 204: z.null().describe('They can try again') }

  app.post(
    '/api/admin/tenants/:id/unlock',
    {
      config,
      schema: {
        tags: ['Tenants'],
        summary: "Let a tenant's people sign in again",
        description,
        params: tenantPath,
        response,
      },
    },
    async (request, reply) => {
      const tenantId = request.params.id
      const tenantNo = await request.tenantNo(tenantId)
      await unlockTenant(deps, request.actor(), { tenantNo, tenantId })
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/api/admin/members/:id/unlock',
    {
      config,
      schema: {
        tags: ['Members'],
        summary: 'Let a person sign in again',
        description,
        params: memberPath,
        response,
      },
    },
    async (request, reply) => {
      await unlockMember(deps, request.actor(), request.params.id)
      return reply.code(204).send(null)
    },
  )
}
