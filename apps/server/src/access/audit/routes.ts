import { allAuditQuery, auditQuery, auditReply } from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type pg from 'pg'
import { readAllAudit, readOwnAudit } from './read.ts'

/** Who changed what: for a tenant, and for the operator. */
export function auditRoutes(fastify: FastifyInstance, { pool }: { pool: pg.Pool }): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  const tags = ['Audit']

  app.get(
    '/api/audit',
    {
      config: { access: { object: 'audit', action: 'read' } },
      schema: {
        tags,
        summary: 'Who changed what of the tenant, newest first',
        querystring: auditQuery,
        response: { 200: auditReply },
      },
    },
    async (request) => readOwnAudit(pool, await request.tenantNo(undefined), request.query),
  )
  app.get(
    '/api/admin/audit',
    {
      config: { access: { object: 'all_audit', action: 'read' } },
      schema: {
        tags,
        summary: 'Who changed what, of one tenant or of all, newest first',
        querystring: allAuditQuery,
        response: { 200: auditReply },
      },
    },
    async (request) => {
      const { tenant_id } = request.query
      const tenantNo = tenant_id === undefined ? null : await request.tenantNo(tenant_id)
      return readAllAudit(pool, tenantNo, request.query)
    },
  )
}
