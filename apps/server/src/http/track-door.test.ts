import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { send } from '../../test/api-request.ts'
import { expectStatus, handClock, type Reply, testNode } from '../../test/node.ts'

const clock = handClock('2026-03-10T12:00:00Z')
const node = await testNode({ clock })
after(() => node.stop())

/** By its charset a request is out of the ordinary, and goes through the framework. */
const BY_FRAMEWORK = { 'content-type': 'application/json; charset=utf-8' }
const HIDDEN = ['date', 'x-request-id', 'connection', 'keep-alive', 'content-length']

function visible({ status, headers, body }: Reply) {
  const shown = [...headers].filter(([name]) => !HIDDEN.includes(name)).sort()
  const text = JSON.stringify(body)
    .replaceAll(/"request_id":"[^"]+",?/g, '')
    .replaceAll('"replayed":true', '"replayed":false')
  return { status, headers: shown, body: text }
}

async function bothWays(key: string, body: unknown): Promise<ReturnType<typeof visible>> {
  const sent = { method: 'POST', path: '/api/track', body }
  const direct = visible(await send(node.url, key, sent))
  const framework = visible(await send(node.url, key, { ...sent, headers: BY_FRAMEWORK }))
  assert.deepEqual(
    direct,
    framework,
    `not the same for ${String(JSON.stringify(body)).slice(0, 200)}`,
  )
  return direct
}

test('what goes past the framework is answered as what goes through it, in every header and letter', async () => {
  const { id, key } = await node.tenant({ plan: 'free' })
  const event = (idempotency_key: string, more = {}) => ({
    endpoint: '/x',
    idempotency_key,
    ...more,
  })
  // The first request of a key goes through the framework: from here on it is known.
  expectStatus(await node.call('POST', '/api/track', key, event('first')), 200)
  const seen = [
    await bothWays(key, event('one')),
    await bothWays(key, event('one', { endpoint: '/other' })),
    await bothWays(key, event('premium', { premium: true })),
    await bothWays(key, event('many', { quantity: 1_000 })),
    await bothWays(key, [
      event('a'),
      event('b', { colour: 'red' }),
      'x',
      event('c', { premium: true }),
    ]),
    await bothWays(key, event('two', { colour: 'red', timestamp: '0001-01-01T00:00:00Z' })),
    await bothWays(key, event('three', { tenant_id: 'nobody' })),
    await bothWays(key, '{"endpoint":'),
    await bothWays(key, ''),
    await bothWays(key, Uint8Array.from([0xff, 0xfe])),
    await bothWays(key, '{"endpoint":"\\u0000"}'),
    await bothWays(key, '[]'),
    await bothWays(key, `{"endpoint":"/x","properties":${'{"a":'.repeat(100)}1${'}'.repeat(101)}`),
    await bothWays(
      key,
      Array.from({ length: 1_001 }, () => event('x')),
    ),
  ]
  const statuses = [200, 409, 403, 429, 200, 400, 404, 400, 400, 400, 400, 400, 400, 400]
  assert.deepEqual(
    seen.map(({ status }) => status),
    statuses,
  )
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { status: 'suspended' }), 200)
  assert.equal((await bothWays(key, event('four'))).status, 403)
})

test('a key that was revoked is refused both ways at once', async () => {
  const { id, key } = await node.tenant()
  expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  const { data } = (await node.admin('GET', `/api/admin/tenants/${id}/keys`)).body
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${data[0].key_id}`), 204)
  assert.equal((await bothWays(key, { endpoint: '/x' })).status, 401)
})

test('a service and the operator name the tenant, both ways', async () => {
  const { id } = await node.tenant()
  const service = await node.service()
  for (const key of [service.key, node.operatorKey]) {
    const event = { endpoint: '/x', idempotency_key: key.slice(-5) }
    assert.equal((await bothWays(key, event)).status, 400)
    assert.equal((await bothWays(key, { ...event, tenant_id: id })).status, 200)
    assert.equal((await bothWays(key, { ...event, tenant_id: 'nobody' })).status, 404)
  }
})
