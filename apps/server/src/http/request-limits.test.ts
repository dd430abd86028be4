import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { send } from '../../test/api-request.ts'
import { type TestDatabase, testDatabase } from '../../test/database.ts'
import { handClock } from '../../test/hand-clock.ts'
import {
  expectStatus,
  type NodeOptions,
  nodeOn,
  OPERATOR_KEY,
  type Reply,
  type TestNode,
} from '../../test/node.ts'
import { startRedis, withoutRedis } from '../../test/redis-server.ts'
import { HTTP_WINDOW_SECONDS } from '../limits.ts'

const database: TestDatabase = await testDatabase()
after(() => database.drop())
const noRedis = withoutRedis()
const MINUTE = HTTP_WINDOW_SECONDS * 1_000
const READ = { method: 'GET', path: '/api/quota' }
/** By its charset a request goes through the framework, without it past it. */
const BY_FRAMEWORK = { 'content-type': 'application/json; charset=utf-8' }
const BY_DOOR = { 'content-type': 'application/json' }

async function withNode(
  options: NodeOptions,
  use: (node: TestNode) => Promise<void>,
): Promise<void> {
  const node = await nodeOn(database, options)
  await use(node).finally(() => node.stop())
}

/** A tenant and its key, made by a node that has no limits, so that nothing is spent on it. */
async function tenant(): Promise<{ id: string; key: string }> {
  const node = await nodeOn(database)
  return node.tenant({ plan: 'enterprise' }).finally(() => node.stop())
}

function track(node: TestNode, key: string, headers: Record<string, string>): Promise<Reply> {
  return send(node.url, key, {
    method: 'POST',
    path: '/api/track',
    headers,
    body: { endpoint: '/x' },
  })
}

function expectRefused(reply: Reply, limit: number): void {
  assert.equal(reply.status, 429)
  assert.equal(reply.body.code, 'too_many_requests')
  const seconds = Number(reply.headers.get('retry-after'))
  assert.ok(seconds > 0 && seconds <= HTTP_WINDOW_SECONDS, `${seconds}`)
  assert.equal(reply.headers.get('ratelimit-policy'), `"http";q=${limit};w=60`)
  assert.equal(reply.headers.get('ratelimit'), `"http";r=0;t=${seconds}`)
}

test('a key may ask so often in a minute and no more, and says so in each reply', async () => {
  const { key } = await tenant()
  const other = await tenant()
  const clock = handClock(Date.now())
  await withNode({ clock, requestsPerKey: 5 }, async (node) => {
    for (let left = 4; left >= 0; left -= 1) {
      const { headers } = expectStatus(await send(node.url, key, READ), 200)
      assert.equal(headers.get('ratelimit'), `"http";r=${left};t=60`)
      assert.equal(headers.get('ratelimit-policy'), '"http";q=5;w=60')
    }
    expectRefused(await send(node.url, key, READ), 5)
    expectStatus(await send(node.url, other.key, READ), 200)
    clock.advance(MINUTE)
    expectStatus(await send(node.url, key, READ), 200)
  })
})

test('the door beside the framework counts the same, and records nothing for who is refused', async () => {
  const { id, key } = await tenant()
  await withNode({ requestsPerKey: 20 }, async (node) => {
    for (let n = 0; n < 10; n += 1) {
      for (const headers of [BY_DOOR, BY_FRAMEWORK]) {
        const reply = expectStatus(await track(node, key, headers), 200)
        assert.equal(
          reply.headers.get('ratelimit'),
          null,
          'there the plan is told, and it has none',
        )
      }
    }
    for (const headers of [BY_DOOR, BY_FRAMEWORK])
      expectRefused(await track(node, key, headers), 20)
    const { body } = await send(node.url, OPERATOR_KEY, {
      method: 'GET',
      path: `/api/admin/tenants/${id}`,
    })
    const recorded = body.seq
    expectRefused(await track(node, key, BY_DOOR), 20)
    const again = await send(node.url, OPERATOR_KEY, {
      method: 'GET',
      path: `/api/admin/tenants/${id}`,
    })
    assert.equal(again.body.seq, recorded)
  })
})

test('of 300 parallel requests of a key exactly the limit pass', async () => {
  const { key } = await tenant()
  await withNode({ requestsPerKey: 120 }, async (node) => {
    const all = Array.from({ length: 300 }, (_, n) =>
      track(node, key, n % 2 ? BY_DOOR : BY_FRAMEWORK),
    )
    const passed = (await Promise.all(all)).filter(({ status }) => status === 200)
    assert.equal(passed.length, 120)
  })
})

test('wrong keys are counted by address, before the database is asked', async () => {
  const { key } = await tenant()
  await withNode({ requestsPerAddress: 5 }, async (node) => {
    for (let n = 0; n < 5; n += 1) {
      expectStatus(await send(node.url, `wrong-key-that-is-long-enough-${n}`, READ), 401)
    }
    const { pool } = node.server
    const query = pool.query
    let asked = 0
    pool.query = ((...args: unknown[]) => {
      asked += 1
      return (query as (...args: unknown[]) => unknown).apply(pool, args)
    }) as typeof query
    expectRefused(await send(node.url, 'wrong-key-that-is-long-enough-6', READ), 5)
    expectRefused(await send(node.url, key, READ), 5)
    assert.equal(asked, 0)
    pool.query = query
  })
})

test('a right key costs its address nothing, also the first time and however many come at once', async () => {
  const { key } = await tenant()
  await withNode({ requestsPerAddress: 3 }, async (node) => {
    for (let n = 0; n < 20; n += 1) expectStatus(await send(node.url, key, READ), 200)
    for (let n = 0; n < 3; n += 1) expectStatus(await send(node.url, 'wrong'.repeat(6), READ), 401)
    expectRefused(await send(node.url, 'wrong'.repeat(6), READ), 3)
    expectStatus(await send(node.url, key, READ), 200)
  })
})

test('what needs no key is counted by address; whether the node lives, never', async () => {
  const { key } = await tenant()
  await withNode({ requestsPerAddress: 4, requestsPerKey: 4 }, async (node) => {
    const paths = ['/openapi.json', '/docs', '/nothing', '/openapi.json']
    for (const path of paths) {
      const reply = await send(node.url, null, { method: 'GET', path })
      assert.equal(reply.headers.get('ratelimit-policy'), '"http";q=4;w=60', path)
    }
    for (const path of [...paths, '/api/quota']) {
      expectRefused(await send(node.url, null, { method: 'GET', path }), 4)
    }
    for (const path of ['/health', '/ready', '/health', '/ready', '/health']) {
      expectStatus(await send(node.url, null, { method: 'GET', path }), 200)
      expectStatus(await send(node.url, key, { method: 'GET', path }), 200)
    }
  })
})

test('a good key lifts no limit where none is needed: sign-ups and e-mails are counted by address', async () => {
  const { key } = await tenant()
  await withNode({ requestsPerAddress: 3 }, async (node) => {
    expectStatus(await send(node.url, key, READ), 200)
    const body = { email: 'somebody@example.com' }
    const forgot = { method: 'POST', path: '/auth/password/forgot', body }
    for (let n = 0; n < 3; n += 1) expectStatus(await send(node.url, key, forgot), 202)
    expectRefused(await send(node.url, key, forgot), 3)
    expectStatus(await send(node.url, key, READ), 200)
  })
})

test('without limits nothing is counted and nothing told', async () => {
  const { key } = await tenant()
  await withNode({}, async (node) => {
    const { headers } = expectStatus(await send(node.url, key, READ), 200)
    assert.equal(headers.get('ratelimit'), null)
  })
})

test('two nodes on one Redis share a limit', { skip: noRedis }, async (t) => {
  const redis = await startRedis()
  t.after(() => redis.stop())
  const { key } = await tenant()
  const options = { redis: redis.settings, requestsPerKey: 100 }
  const nodes = [await nodeOn(database, options), await nodeOn(database, options)]
  t.after(() => Promise.all(nodes.map((node) => node.stop())))
  const all = Array.from({ length: 300 }, (_, n) => track(nodes[n % 2]!, key, BY_DOOR))
  const passed = (await Promise.all(all)).filter(({ status }) => status === 200)
  assert.ok(passed.length <= 100 && passed.length >= 96, `${passed.length}`)
  await redis.kill()
  expectStatus(await track(nodes[0]!, (await tenant()).key, BY_DOOR), 200)
})

test('X-Forwarded-For is believed from trusted proxies and from nobody else', async () => {
  const from = (node: TestNode, address: string) =>
    send(node.url, null, {
      method: 'GET',
      path: '/openapi.json',
      headers: { 'x-forwarded-for': address },
    })
  await withNode({ requestsPerAddress: 2 }, async (node) => {
    for (const address of ['203.0.113.1', '203.0.113.2'])
      expectStatus(await from(node, address), 200)
    expectRefused(await from(node, '203.0.113.3'), 2)
  })
  await withNode({ requestsPerAddress: 2, trustedProxies: ['10.0.0.0/8'] }, async (node) => {
    for (const address of ['203.0.113.1', '203.0.113.2'])
      expectStatus(await from(node, address), 200)
    expectRefused(await from(node, '203.0.113.3'), 2)
  })
  await withNode({ requestsPerAddress: 2, trustedProxies: ['127.0.0.0/8'] }, async (node) => {
    for (const address of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
      expectStatus(await from(node, address), 200)
    }
    expectStatus(await from(node, '203.0.113.3'), 200)
    expectRefused(await from(node, '203.0.113.3'), 2)
    // What a sender claims before the proxy adds where it saw it come from is not believed.
    expectRefused(await from(node, '198.51.100.1, 203.0.113.3'), 2)
    for (const end of ['1', '2']) expectStatus(await from(node, `2001:db8:1:2::${end}`), 200)
    expectRefused(await from(node, '2001:db8:1:2:ffff::9'), 2)
  })
})
