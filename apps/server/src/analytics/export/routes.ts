import { EXPORT_DESCRIPTION, exportQuery, exportReply, fields } from '@tollgate/contract'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type AnalyticsDependencies, answer } from '../answer.ts'
import { isGated } from '../gate.ts'
import { codingFor } from './coding.ts'
import { ExportSlots } from './export-slots.ts'
import { sendExport } from './send-export.ts'
import { type ExportQuery, usageExport } from './usage-export.ts'

type Whose = { tenantNo: number; gated: boolean }

const SUMMARY = 'Usage by day, or every call, as a file'

export function exportRoutes(app: FastifyInstance, deps: AnalyticsDependencies): void {
  const slots = new ExportSlots()
  app.get(
    '/api/usage/export',
    {
      config: { access: { object: 'usage', action: 'read' } },
      schema: {
        tags: ['Usage'],
        summary: SUMMARY,
        description: EXPORT_DESCRIPTION,
        querystring: exportQuery,
        response: { 200: exportReply },
      },
    },
    async (request, reply) => {
      const { tenant_id, ...asked } = request.query as z.output<typeof exportQuery>
      const tenantNo = await request.tenantNo(tenant_id)
      const whose = { tenantNo, gated: isGated(request.caller) }
      return exported(deps, slots, { request, reply }, whose, asked)
    },
  )
  app.get(
    '/api/admin/tenants/:id/usage/export',
    {
      config: { access: { object: 'tenants', action: 'read' } },
      schema: {
        tags: ['Tenants'],
        summary: `${SUMMARY}, of any tenant and whatever its plan`,
        description: EXPORT_DESCRIPTION,
        params: z.strictObject({ id: fields.tenantId }),
        querystring: exportQuery.omit({ tenant_id: true }),
        response: { 200: exportReply },
      },
    },
    async (request, reply) => {
      const { id } = request.params as { id: string }
      const whose = { tenantNo: await request.tenantNo(id), gated: false }
      const asked = request.query as Omit<z.output<typeof exportQuery>, 'tenant_id'>
      return exported(deps, slots, { request, reply }, whose, asked)
    },
  )
}

async function exported(
  deps: AnalyticsDependencies,
  slots: ExportSlots,
  exchange: { request: FastifyRequest; reply: FastifyReply },
  whose: Whose,
  asked: Omit<ExportQuery, 'coding'>,
): Promise<FastifyReply> {
  const { request, reply } = exchange
  const accepted = request.headers['accept-encoding']
  // Parquet is compressed in itself.
  const coding = asked.format === 'parquet' ? 'identity' : codingFor(String(accepted ?? ''))
  const file = await answer(deps, exchange, whose, usageExport, { ...asked, coding })
  reply.header('vary', 'authorization, accept-encoding')
  if (file === null) return reply.send()
  return sendExport(exchange, { slots, tenantNo: whose.tenantNo }, file, coding)
}
