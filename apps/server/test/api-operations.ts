import type { Credential } from './api-credentials.ts'
import { get, type Operation, patch, post, remove } from './api-operation.ts'
import { operationsForPeople } from './api-operations-people.ts'
import { STRUCTURED } from './api-request.ts'
import { expectStatus, type TestNode } from './node.ts'

/** How each operation of the contract succeeds, on a node where the tenant has credits. */
export function operationsOn(node: TestNode, tenantId: string): Record<string, Operation> {
  return {
    ...metering(node, tenantId),
    ...readings(tenantId),
    ...tenants(node, tenantId),
    ...services(node),
    ...keys(node, tenantId),
    ...operationsForPeople(node, tenantId),
    ...system(),
  }
}

function metering(node: TestNode, tenantId: string): Record<string, Operation> {
  const asOperator = async (path: string, body: object) =>
    (await node.admin('POST', path, { tenant_id: tenantId, ...body })).body
  const eventId = async () => (await asOperator('/api/track', { endpoint: '/x' })).event_id
  const holdId = async () => (await asOperator('/api/holds', { credits: 1 })).hold_id
  const event = () => ({
    specversion: '1.0',
    id: unique(),
    source: 's',
    type: 't',
    subject: tenantId,
  })
  return {
    'POST /api/track': post(200, async () => [
      '/api/track',
      { tenant_id: tenantId, endpoint: '/x' },
    ]),
    'POST /api/events': {
      ok: 204,
      request: async () => ({
        method: 'POST',
        path: '/api/events',
        body: event(),
        headers: STRUCTURED,
      }),
    },
    'POST /api/events/{id}/void': post(200, async () => [
      `/api/events/${await eventId()}/void`,
      { reason: 'test' },
    ]),
    'POST /api/holds': post(201, async () => ['/api/holds', { tenant_id: tenantId, credits: 1 }]),
    'POST /api/holds/{id}/settle': post(200, async () => [
      `/api/holds/${await holdId()}/settle`,
      { credits: 1 },
    ]),
    'POST /api/holds/{id}/release': post(200, async () => [
      `/api/holds/${await holdId()}/release`,
      undefined,
    ]),
  }
}

function readings(tenantId: string): Record<string, Operation> {
  return {
    'GET /api/quota': get(`/api/quota?tenant_id=${tenantId}`),
    'GET /api/entries': get(`/api/entries?tenant_id=${tenantId}`),
    ...usage(tenantId),
    'GET /api/billing/current': get(`/api/billing/current?tenant_id=${tenantId}`),
    'POST /api/billing/estimate': post(200, async () => [
      '/api/billing/estimate',
      { quantities: { units: 1_000 } },
    ]),
  }
}

/** The readings of the Usage API. */
export const USAGE = [
  'summary',
  'history',
  'current',
  'breakdown',
  'performance',
  'keys',
  'teams',
  'timeseries',
  'export',
]

function usage(tenantId: string): Record<string, Operation> {
  const operations = USAGE.flatMap((name) => [
    [`GET /api/usage/${name}`, get(`/api/usage/${name}?tenant_id=${tenantId}`)] as const,
    [
      `GET /api/admin/tenants/{id}/usage/${name}`,
      get(`/api/admin/tenants/${tenantId}/usage/${name}`),
    ] as const,
  ])
  return Object.fromEntries(operations)
}

function tenants(node: TestNode, tenantId: string): Record<string, Operation> {
  const path = `/api/admin/tenants/${tenantId}`
  const wanted = { name: 'N', email: 'n@example.com', plan: 'free' }
  const made = async () => (await tenantKeyOf(node, tenantId)).key_id
  return {
    'POST /api/admin/tenants': post(201, async () => ['/api/admin/tenants', wanted]),
    'GET /api/admin/tenants': get('/api/admin/tenants'),
    'GET /api/admin/tenants/{id}': get(path),
    'PATCH /api/admin/tenants/{id}': patch(200, async () => [path, { name: 'Acme' }]),
    'POST /api/admin/tenants/{id}/credits': post(201, async () => [
      `${path}/credits`,
      { amount: 1, reason: 'test' },
    ]),
    'POST /api/admin/tenants/{id}/keys': post(201, async () => [`${path}/keys`, undefined]),
    'GET /api/admin/tenants/{id}/keys': get(`${path}/keys`),
    'PATCH /api/admin/tenants/{id}/keys/{key_id}': patch(200, async () => [
      `${path}/keys/${await made()}`,
      { name: 'renamed' },
    ]),
    'POST /api/admin/tenants/{id}/keys/{key_id}/rotate': post(200, async () => [
      `${path}/keys/${await made()}/rotate`,
      undefined,
    ]),
    'DELETE /api/admin/keys/{id}': remove(204, async () => `/api/admin/keys/${await made()}`),
  }
}

function services(node: TestNode): Record<string, Operation> {
  const keysPath = async () => `/api/admin/services/${(await node.service(unique())).name}/keys`
  return {
    'POST /api/admin/services': post(201, async () => ['/api/admin/services', { name: unique() }]),
    'GET /api/admin/services': get('/api/admin/services'),
    'POST /api/admin/services/{name}/keys': post(201, async () => [await keysPath(), undefined]),
    'GET /api/admin/services/{name}/keys': {
      ok: 200,
      request: async () => ({ method: 'GET', path: await keysPath() }),
    },
  }
}

function keys(node: TestNode, tenantId: string): Record<string, Operation> {
  // Without scopes of its own, so that everybody who may manage keys may manage this one.
  const made = async ({ roles }: Credential) => {
    const scopes = roles?.includes('key_admin') ? ['admin'] : ['track']
    return `/api/keys/${(await tenantKeyOf(node, tenantId, { scopes })).key_id}`
  }
  return {
    'GET /api/keys': get('/api/keys'),
    'POST /api/keys': post(201, async ({ roles }) => [
      '/api/keys',
      { name: 'n', scopes: roles?.includes('key_admin') ? ['admin'] : ['track'] },
    ]),
    'PATCH /api/keys/{id}': patch(200, async (as) => [await made(as), { name: 'renamed' }]),
    'POST /api/keys/{id}/rotate': post(200, async (as) => [`${await made(as)}/rotate`, undefined]),
    'DELETE /api/keys/{id}': remove(204, made),
  }
}

function system(): Record<string, Operation> {
  return {
    'GET /health': get('/health'),
    'GET /ready': get('/ready'),
    'GET /metrics': get('/metrics'),
    'GET /openapi.json': get('/openapi.json'),
  }
}

async function tenantKeyOf(node: TestNode, tenantId: string, body?: object) {
  const path = `/api/admin/tenants/${tenantId}/keys`
  return expectStatus(await node.admin('POST', path, body), 201).body
}

function unique(): string {
  return crypto.randomUUID()
}
