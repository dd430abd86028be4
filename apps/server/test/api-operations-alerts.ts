import { get, type Operation, post, remove } from './api-operation.ts'
import { expectStatus, type TestNode } from './node.ts'

const ALERT = { type: 'daily_limit', threshold: 1_000_000 }

export function operationsOnAlerts(node: TestNode, tenantId: string): Record<string, Operation> {
  const path = '/api/usage/alerts'
  const of = `tenant_id=${tenantId}`
  const set = async () => {
    const reply = await node.admin('POST', `${path}?${of}`, { alerts: [ALERT] })
    return `${path}/${expectStatus(reply, 200).body.alerts[0].id}?${of}`
  }
  return {
    'GET /api/usage/alerts': get(`${path}?${of}`),
    'GET /api/admin/tenants/{id}/usage/alerts': get(`/api/admin/tenants/${tenantId}/usage/alerts`),
    'POST /api/usage/alerts': post(200, async () => [`${path}?${of}`, { alerts: [ALERT] }]),
    'DELETE /api/usage/alerts/{alert_id}': remove(204, set),
  }
}
