import assert from 'node:assert/strict'
import { after, mock, test } from 'node:test'
import { checkReply, REPLIES } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { type Sent, STRUCTURED, send } from '../../test/api-request.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const tenant = await node.tenant({ plan: 'prepaid', tenant_id: 'acme' })
const service = await node.service('converter')
const revoked = await node.tenant({ tenant_id: 'left' })
const { data: revokedKeys } = (await node.admin('GET', '/api/admin/tenants/left/keys')).body
expectStatus(await node.admin('DELETE', `/api/admin/keys/${revokedKeys[0].key_id}`), 204)
const given = { amount: 1_000, reason: 'test' }
expectStatus(await node.admin('POST', '/api/admin/tenants/acme/credits', given), 201)

const CALLERS = {
  none: null,
  garbage: 'not-a-key-but-long-enough-to-be-one',
  mistyped: mistyped(tenant.key),
  revoked: revoked.key,
  tenant: tenant.key,
  service: service.key,
  operator: node.operatorKey,
}
type CallerName = keyof typeof CALLERS
const WITHOUT_A_KEY: CallerName[] = ['none', 'garbage', 'mistyped', 'revoked']

/** What the operation answers to those who may use it; others get 401 or 403. */
const OPERATIONS: Record<
  string,
  { who: 'everyone' | CallerName[]; ok: number; request(): Promise<Sent> }
> = {
  'POST /api/track': {
    who: ['tenant', 'service', 'operator'],
    ok: 200,
    request: async () => post('/api/track', { tenant_id: 'acme', endpoint: '/x' }),
  },
  'POST /api/events': {
    who: ['tenant', 'service', 'operator'],
    ok: 204,
    request: async () => ({
      ...post('/api/events', {
        specversion: '1.0',
        id: unique(),
        source: 's',
        type: 't',
        subject: 'acme',
      }),
      headers: STRUCTURED,
    }),
  },
  'POST /api/events/{id}/void': {
    who: ['service', 'operator'],
    ok: 200,
    request: async () => post(`/api/events/${await eventId()}/void`, { reason: 'test' }),
  },
  'POST /api/holds': {
    who: ['tenant', 'service', 'operator'],
    ok: 201,
    request: async () => post('/api/holds', { tenant_id: 'acme', credits: 1 }),
  },
  'POST /api/holds/{id}/settle': {
    who: ['tenant', 'service', 'operator'],
    ok: 200,
    request: async () => post(`/api/holds/${await holdId()}/settle`, { credits: 1 }),
  },
  'POST /api/holds/{id}/release': {
    who: ['tenant', 'service', 'operator'],
    ok: 200,
    request: async () => post(`/api/holds/${await holdId()}/release`),
  },
  'GET /api/quota': reading('/api/quota?tenant_id=acme'),
  'GET /api/entries': reading('/api/entries?tenant_id=acme'),
  'GET /api/usage/summary': reading('/api/usage/summary?tenant_id=acme'),
  'GET /api/billing/current': reading('/api/billing/current?tenant_id=acme'),
  'POST /api/admin/tenants': {
    who: ['operator'],
    ok: 201,
    request: async () =>
      post('/api/admin/tenants', { name: 'N', email: 'n@example.com', plan: 'free' }),
  },
  'GET /api/admin/tenants': administration('GET', '/api/admin/tenants'),
  'GET /api/admin/tenants/{id}': administration('GET', '/api/admin/tenants/acme'),
  'PATCH /api/admin/tenants/{id}': administration('PATCH', '/api/admin/tenants/acme', {
    name: 'Acme',
  }),
  'POST /api/admin/tenants/{id}/credits': {
    who: ['operator'],
    ok: 201,
    request: async () => post('/api/admin/tenants/acme/credits', given),
  },
  'POST /api/admin/tenants/{id}/keys': {
    who: ['operator'],
    ok: 201,
    request: async () => post('/api/admin/tenants/acme/keys'),
  },
  'GET /api/admin/tenants/{id}/keys': administration('GET', '/api/admin/tenants/acme/keys'),
  'DELETE /api/admin/keys/{id}': {
    who: ['operator'],
    ok: 204,
    request: async () => {
      const made = await node.admin('POST', '/api/admin/tenants/acme/keys')
      return { method: 'DELETE', path: `/api/admin/keys/${made.body.key_id}` }
    },
  },
  'POST /api/admin/services': {
    who: ['operator'],
    ok: 201,
    request: async () => post('/api/admin/services', { name: unique() }),
  },
  'GET /api/admin/services': administration('GET', '/api/admin/services'),
  'POST /api/admin/services/{name}/keys': {
    who: ['operator'],
    ok: 201,
    request: async () => {
      const { name } = await node.service(unique())
      return post(`/api/admin/services/${name}/keys`)
    },
  },
  'GET /api/admin/services/{name}/keys': {
    who: ['operator'],
    ok: 200,
    request: async () => {
      const { name } = await node.service(unique())
      return { method: 'GET', path: `/api/admin/services/${name}/keys` }
    },
  },
  'GET /health': open('/health'),
  'GET /ready': open('/ready'),
  'GET /metrics': administration('GET', '/metrics'),
  'GET /openapi.json': open('/openapi.json'),
}

test('this table has every operation of openapi.json', async () => {
  const { paths } = (await node.call('GET', '/openapi.json', null)).body
  const operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(operations.sort(), Object.keys(OPERATIONS).sort())
  assert.deepEqual(operations.sort(), Object.keys(REPLIES).sort())
})

for (const [operation, { who, ok, request }] of Object.entries(OPERATIONS)) {
  test(`${operation} answers ${who === 'everyone' ? who : who.join(', ')}, and nobody else`, async () => {
    for (const caller of Object.keys(CALLERS) as CallerName[]) {
      const sent = await request()
      const reply = await send(node.url, CALLERS[caller], sent)
      checkReply(sent.method, sent.path, reply)
      if (who === 'everyone' || who.includes(caller)) expectStatus(reply, ok)
      else if (WITHOUT_A_KEY.includes(caller)) {
        assertProblem(reply, 'unauthorized')
        assert.equal(reply.headers.get('www-authenticate'), 'Bearer')
      } else assertProblem(reply, 'forbidden')
    }
  })
}

test('a mistyped key is refused without asking the database', async () => {
  const query = mock.method(node.server.pool, 'query')
  assertProblem(await node.call('GET', '/api/quota', mistyped(tenant.key)), 'unauthorized')
  assertProblem(await node.call('GET', '/api/quota', tenant.key.slice(0, -1)), 'unauthorized')
  assertProblem(await node.call('GET', '/api/quota', `${service.key}0`), 'unauthorized')
  assert.equal(query.mock.callCount(), 0)
  query.mock.restore()
})

test('only a Bearer key is a key', async () => {
  const basic = `Basic ${Buffer.from(`${tenant.key}:`).toString('base64')}`
  for (const authorization of [
    basic,
    tenant.key,
    'Bearer',
    'Bearer  ',
    `Bearer ${tenant.key} x`,
    '',
  ]) {
    const reply = await fetch(`${node.url}/api/quota`, { headers: { authorization } })
    assert.equal(reply.status, 401, authorization)
  }
  const inQuery = await node.call('GET', `/api/quota?key=${tenant.key}`, null)
  assertProblem(inQuery, 'unauthorized')
})

test('who has no key learns nothing of what exists', async () => {
  for (const path of ['/api/admin/tenants/acme', '/api/admin/tenants/nobody']) {
    const { body } = await node.call('GET', path, null)
    assert.equal(body.code, 'unauthorized')
  }
})

function post(path: string, body?: unknown): Sent {
  return { method: 'POST', path, body }
}

function reading(path: string) {
  const who: CallerName[] = ['tenant', 'service', 'operator']
  return { who, ok: 200, request: async () => ({ method: 'GET', path }) }
}

function administration(method: string, path: string, body?: unknown) {
  const who: CallerName[] = ['operator']
  return { who, ok: 200, request: async () => ({ method, path, body }) }
}

function open(path: string) {
  return { who: 'everyone' as const, ok: 200, request: async () => ({ method: 'GET', path }) }
}

async function eventId(): Promise<string> {
  return (await node.call('POST', '/api/track', tenant.key, { endpoint: '/x' })).body.event_id
}

async function holdId(): Promise<string> {
  return (await node.call('POST', '/api/holds', tenant.key, { credits: 1 })).body.hold_id
}

function unique(): string {
  return crypto.randomUUID()
}

function mistyped(key: string): string {
  const last = key.at(-9) === 'a' ? 'b' : 'a'
  return key.slice(0, -9) + last + key.slice(-8)
}
