import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { send } from '../../test/api-request.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn, type Reply, type TestNode } from '../../test/node.ts'

const OURS = 'https://app.example.com'
const THEIRS = 'https://evil.example'
const database = await testDatabase()
const closed = await nodeOn(database)
const open = await nodeOn(database, {
  corsOrigins: [OURS, 'http://localhost:5173'],
  publicUrl: 'https://tollgate.example.com',
})
after(async () => {
  await closed.stop()
  await open.stop()
  await database.drop()
})
const { key } = await open.tenant()

const corsOf = ({ headers }: Reply) =>
  [...headers.keys()].filter((name) => name.startsWith('access-control-'))

function preflight(node: TestNode, origin: string, path = '/api/track'): Promise<Reply> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  }
  return send(node.url, null, { method: 'OPTIONS', path, headers })
}

function track(node: TestNode, origin: string | null): Promise<Reply> {
  const headers: Record<string, string> = origin === null ? {} : { origin }
  return send(node.url, key, {
    method: 'POST',
    path: '/api/track',
    headers,
    body: { endpoint: '/x' },
  })
}

test('every reply forbids browsers to guess, run, frame or keep it', async () => {
  for (const node of [closed, open]) {
    const replies = [
      await send(node.url, key, { method: 'GET', path: '/api/quota' }),
      await send(node.url, null, { method: 'GET', path: '/api/quota' }),
      await send(node.url, null, { method: 'GET', path: '/nothing' }),
      await send(node.url, null, { method: 'GET', path: '/health' }),
      await track(node, null),
      await track(node, null),
    ]
    for (const { status, headers } of replies) {
      assert.equal(headers.get('x-content-type-options'), 'nosniff', `${status}`)
      assert.equal(headers.get('cache-control'), 'no-store')
      assert.equal(
        headers.get('content-security-policy'),
        "default-src 'none';frame-ancestors 'none'",
      )
      assert.equal(headers.get('referrer-policy'), 'no-referrer')
      assert.equal(headers.get('cross-origin-resource-policy'), 'same-origin')
      assert.equal(headers.get('x-powered-by'), null)
    }
  }
})

test('only who is reached by https is told to stay there', async () => {
  const health = { method: 'GET', path: '/health' }
  const secure = (await send(open.url, null, health)).headers.get('strict-transport-security')
  assert.match(secure!, /^max-age=31536000/)
  const plain = (await send(closed.url, null, health)).headers.get('strict-transport-security')
  assert.equal(plain, null)
})

test('pages of origins that are not allowed get no CORS header, whatever they try', async () => {
  const others = [
    THEIRS,
    'null',
    'http://app.example.com',
    'https://app.example.com.evil.example',
    'https://app.example.com:8443',
    'https://APP.example.com',
    `${OURS}/`,
    '*',
  ]
  for (const origin of others) {
    for (const node of [open, closed]) {
      assert.deepEqual(corsOf(expectStatus(await track(node, origin), 200)), [], origin)
      const asked = await preflight(node, origin)
      assert.deepEqual([asked.status, corsOf(asked)], [404, []], origin)
    }
  }
  assert.deepEqual(corsOf(await track(closed, OURS)), [])
})

test('pages of an allowed origin may ask, with credentials, and read the headers that matter', async () => {
  for (const path of ['/api/track', '/api/quota', '/api/admin/tenants']) {
    const { status, headers } = await preflight(open, OURS, path)
    assert.equal(status, 204)
    assert.equal(headers.get('access-control-allow-origin'), OURS)
    assert.equal(headers.get('access-control-allow-credentials'), 'true')
    assert.match(headers.get('access-control-allow-methods')!, /DELETE/)
    assert.match(headers.get('access-control-allow-headers')!, /authorization/)
    assert.match(headers.get('vary')!, /origin/i)
  }
  const replies = [
    await track(open, OURS),
    await send(open.url, key, { method: 'GET', path: '/api/quota', headers: { origin: OURS } }),
    await send(open.url, 'wrong', { method: 'GET', path: '/api/quota', headers: { origin: OURS } }),
    await send(open.url, key, { method: 'GET', path: '/nothing', headers: { origin: OURS } }),
  ]
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 401, 404],
  )
  for (const { headers } of replies) {
    assert.equal(headers.get('access-control-allow-origin'), OURS)
    assert.match(
      headers.get('access-control-expose-headers')!,
      /ratelimit.*retry-after.*x-request-id/,
    )
  }
})

test('caches are told that replies differ by origin, with and without one', async () => {
  for (const origin of [null, OURS, THEIRS]) {
    for (const _ of [1, 2]) {
      assert.match((await track(open, origin)).headers.get('vary')!, /origin/i)
    }
  }
})
