import type { Credential } from './api-credentials.ts'
import { get, type Operation, patch, post, put, remove } from './api-operation.ts'
import { operationsOnAlerts } from './api-operations-alerts.ts'
import { operationsOfBilling } from './api-operations-billing.ts'
import { operationsForPeople } from './api-operations-people.ts'
import { STRUCTURED } from './api-request.ts'
import { issuedInvoice } from './issued-invoice.ts'
import { expectStatus, type TestNode } from './node.ts'

/** How each operation of the contract succeeds, on a node where the tenant has credits. */
export function operationsOn(node: TestNode, tenantId: string): Record<string, Operation> {
  return {
    ...metering(node, tenantId),
    ...readings(tenantId),
    ...billing(node, tenantId),
    ...tenants(node, tenantId),
    ...services(node),
    ...plans(node),
    ...keys(node, tenantId),
    ...subscription(node, tenantId),
    ...operationsOnAlerts(node, tenantId),
    ...operationsForPeople(node, tenantId),
    ...operationsOfBilling(node, tenantId),
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
    'GET /api/credits': get(`/api/credits?tenant_id=${tenantId}`),
    'GET /api/credits/entries': get(`/api/credits/entries?tenant_id=${tenantId}`),
  }
}

function billing(node: TestNode, tenantId: string): Record<string, Operation> {
  let issued: Promise<string> | null = null
  const getInvoice = (rest: string): Operation => ({
    ok: 200,
    async request() {
      issued ??= issuedInvoice(node, tenantId)
      return { method: 'GET', path: `/api/billing/invoices/${await issued}${rest}` }
    },
  })
  const onTestClock = { plan: 'pro', test_clock: '2025-01-01T00:00:00Z' }
  return {
    'GET /api/billing/current': get(`/api/billing/current?tenant_id=${tenantId}`),
    'GET /api/billing/upcoming': get(`/api/billing/upcoming?tenant_id=${tenantId}`),
    'GET /api/billing/invoices': get(`/api/billing/invoices?tenant_id=${tenantId}`),
    'GET /api/billing/invoices/{id}': getInvoice(''),
    'GET /api/billing/invoices/{id}/explain': getInvoice('/explain'),
    'POST /api/admin/tenants/{id}/clock': post(200, async () => [
      `/api/admin/tenants/${(await node.tenant(onTestClock)).id}/clock`,
      { now: '2025-01-02T00:00:00Z' },
    ]),
    'POST /api/billing/estimate': post(200, async () => [
      '/api/billing/estimate',
      { quantities: { units: 1_000 } },
    ]),
    'POST /api/admin/backtest': post(200, async () => [
      '/api/admin/backtest',
      { catalog: { catalog: 1, plans: { pro: {} } }, from: '2025-01-01', to: '2026-01-01' },
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
  'forecast',
  'recommendations',
  'export',
  'metrics',
  'stream',
]

function usage(tenantId: string): Record<string, Operation> {
  const operations = USAGE.flatMap((name) => {
    // A stream that follows the log would not end.
    const more = name === 'stream' ? 'follow=false&from=1' : ''
    return [
      [`GET /api/usage/${name}`, get(`/api/usage/${name}?tenant_id=${tenantId}&${more}`)] as const,
      [
        `GET /api/admin/tenants/{id}/usage/${name}`,
        get(`/api/admin/tenants/${tenantId}/usage/${name}?${more}`),
      ] as const,
    ]
  })
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

/** What a tenant has agreed to, brought first into a state in which the operation succeeds. */
function subscription(node: TestNode, tenantId: string): Record<string, Operation> {
  const ask = (path: string, body: object) =>
    node.admin('POST', `/api/subscription${path}`, { tenant_id: tenantId, ...body })
  const ready = async () => {
    const { body } = await node.admin('GET', `/api/subscription?tenant_id=${tenantId}`)
    if (body.status === 'paused' || body.pending !== null) await ask('/resume', {})
    return { plan: body.plan, about: { tenant_id: tenantId } }
  }
  // Of the plans that come along none has a price for credits.
  const charge = { name: 'Credits', model: 'prepaid_credits', credit_price: '0.01' }
  const has = { features: { alerts: true } }
  const selling = { ...has, credits: 'required', self_service: false, price: { charges: [charge] } }
  return {
    'POST /api/credits/top-ups': post(201, async () => {
      const plan = 'that-sells-credits'
      await node.admin('POST', '/api/admin/plans', { plans: { [plan]: selling } })
      await node.admin('PATCH', `/api/admin/tenants/${tenantId}`, { plan })
      return ['/api/credits/top-ups', { tenant_id: tenantId, credits: 1 }]
    }),
    'GET /api/subscription': get(`/api/subscription?tenant_id=${tenantId}`),
    'POST /api/subscription/preview': post(200, async () => [
      '/api/subscription/preview',
      { tenant_id: tenantId, plan: 'pro' },
    ]),
    'POST /api/subscription': post(200, async () => {
      const { plan, about } = await ready()
      const body = { ...about, plan: plan === 'prepaid' ? 'team' : 'prepaid', when: 'period_end' }
      return ['/api/subscription', body]
    }),
    'POST /api/subscription/cancel': post(200, async () => [
      '/api/subscription/cancel',
      (await ready()).about,
    ]),
    'POST /api/subscription/pause': post(200, async () => [
      '/api/subscription/pause',
      (await ready()).about,
    ]),
    // The last, so that nothing is paused after it.
    'POST /api/subscription/resume': post(200, async () => {
      const { about } = await ready()
      await ask('/cancel', {})
      return ['/api/subscription/resume', about]
    }),
  }
}

function services(node: TestNode): Record<string, Operation> {
  const pathTo = async (what: string) =>
    `/api/admin/services/${(await node.service(unique())).name}/${what}`
  const reading = (what: string): Operation => ({
    ok: 200,
    request: async () => ({ method: 'GET', path: await pathTo(what) }),
  })
  return {
    'POST /api/admin/services': post(201, async () => ['/api/admin/services', { name: unique() }]),
    'GET /api/admin/services': get('/api/admin/services'),
    'POST /api/admin/services/{name}/keys': post(201, async () => [
      await pathTo('keys'),
      undefined,
    ]),
    'GET /api/admin/services/{name}/keys': reading('keys'),
    'GET /api/admin/services/{name}/rules': reading('rules'),
    'PUT /api/admin/services/{name}/rules': put(200, async () => [
      await pathTo('rules'),
      { endpoints: [{ path: '/x', credits: 2 }] },
    ]),
  }
}

function plans(node: TestNode): Record<string, Operation> {
  return {
    'GET /api/plans': get('/api/plans'),
    'GET /api/admin/plans': get('/api/admin/plans'),
    // Another description each time: the same plans again would change nothing.
    'POST /api/admin/plans': post(200, async () => [
      '/api/admin/plans',
      { plans: { 'of-a-test': { description: unique(), self_service: false } } },
    ]),
    'DELETE /api/admin/plans/{name}': remove(200, async () => {
      const plan = `gone-${unique()}`
      await node.admin('POST', '/api/admin/plans', { plans: { [plan]: { self_service: false } } })
      return `/api/admin/plans/${plan}`
    }),
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
