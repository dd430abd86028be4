import {
  alertPath,
  alertsBody,
  alertsReply,
  alertsSetReply,
  fields,
  tenantQuery,
} from '@tollgate/contract'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { isGated } from '../analytics/gate.ts'
import { type AlertDependencies, removeAlert, setAlerts } from './change-alerts.ts'
import { listAlerts } from './list-alerts.ts'

const tags = ['Usage']
const reading = { access: { object: 'alerts', action: 'read' } }
const writing = { access: { object: 'alerts', action: 'write' } }

/** When a tenant wants to be told: for itself, and of any tenant for operators, who name it. */
export function alertRoutes(fastify: FastifyInstance, deps: AlertDependencies): void {
  const app = fastify.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/api/usage/alerts',
    {
      config: reading,
      schema: {
        tags,
        summary: 'Alerts that are set',
        querystring: tenantQuery,
        response: { 200: alertsReply },
      },
    },
    async (request) => listAlerts(deps, await request.tenantNo(request.query.tenant_id)),
  )
  app.post(
    '/api/usage/alerts',
    {
      config: writing,
      schema: {
        tags,
        summary: 'Set alerts',
        description:
          'Those that are not named stay as they are. An alert is known by what it watches for: set again, it is the same one. A threshold of the quota is told once for each period and quota, a daily limit once a day, an error rate again when its window has passed since. What is reached already is told at once. Each is a line of the log, an event of /api/usage/stream, and an e-mail to the owners.',
        querystring: tenantQuery,
        body: alertsBody,
        response: { 200: alertsSetReply },
      },
    },
    async (request) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      const gated = isGated(request.caller)
      return setAlerts(deps, request.actor(), { tenantNo, gated }, request.body.alerts)
    },
  )
  app.delete(
    '/api/usage/alerts/:alert_id',
    {
      config: writing,
      schema: {
        tags,
        summary: 'End an alert',
        params: alertPath,
        querystring: tenantQuery,
        response: { 204: z.null().describe('It is told no more') },
      },
    },
    async (request, reply) => {
      const tenantNo = await request.tenantNo(request.query.tenant_id)
      await removeAlert(deps, request.actor(), tenantNo, request.params.alert_id)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/api/admin/tenants/:id/usage/alerts',
    {
      config: { access: { object: 'tenants', action: 'read' } },
      schema: {
        tags: ['Tenants'],
        summary: 'Alerts that are set, of any tenant',
        params: z.strictObject({ id: fields.tenantId }),
        response: { 200: alertsReply },
      },
    },
    async (request) => listAlerts(deps, await request.tenantNo(request.params.id)),
  )
}
