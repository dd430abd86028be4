import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { startEmbeddedPostgres } from '../src/db/embedded/index.ts'
import { inParallel } from './api-parallel.ts'
import { assertProblem } from './api-problem.ts'
import { proxyTo } from './api-proxy.ts'
import { differencesIn } from './api-verify.ts'
import { testDatabase } from './database.ts'
import { clusterOf, postmasterPid, query, testFolder, until } from './embedded.ts'
import { expectStatus, nodeOn, type Reply, type TestNode } from './node.ts'

const database = await testDatabase()
const proxy = await proxyTo(database.url)
const node = await nodeOn(proxy)
after(async () => {
  await node.stop()
  await proxy.close()
  await database.drop()
})

test('while the database is gone every route that needs it answers 503 and when to come again; then all goes on', async () => {
  const { id, key } = await node.tenant()
  const event = { specversion: '1.0', id: '1', source: 's', type: 't' }
  const asked: [string, string, string, unknown?][] = [
    ['POST', '/api/track', key, { endpoint: '/x' }],
    ['POST', '/api/holds', key, { credits: 1 }],
    ['GET', '/api/quota', key],
    ['GET', '/api/entries', key],
    ['GET', '/api/usage/summary', key],
    ['GET', '/api/billing/current', key],
    ['GET', '/api/admin/tenants', node.operatorKey],
    ['PATCH', `/api/admin/tenants/${id}`, node.operatorKey, { status: 'active' }],
    ['POST', `/api/admin/tenants/${id}/keys`, node.operatorKey],
    ['POST', '/api/admin/services', node.operatorKey, { name: 'while-gone' }],
    ['GET', '/ready', key],
    // Nobody has asked with this key yet, so it is not known.
    ['GET', '/api/quota', 'a-key-that-must-be-looked-up'],
  ]
  expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  await proxy.cut()
  for (const [method, path, caller, body] of asked) {
    assertProblem(await node.call(method, path, caller, body), 'database_unavailable')
  }
  const reported = await fetch(`${node.url}/api/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/cloudevents-batch+json',
    },
    body: JSON.stringify([event, { ...event, id: '2' }, 'bad']),
  })
  assert.equal(reported.status, 503)
  const batch = [{ endpoint: '/x' }, { endpoint: 1 }]
  const { results } = expectStatus(await node.call('POST', '/api/track', key, batch), 200).body
  assert.deepEqual(
    results.map(({ status }: { status: number }) => status),
    [503, 400],
  )
  expectStatus(await node.call('GET', '/health', null), 200)

  await proxy.restore()
  const next = expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  assert.equal(next.body.seq, 3, 'nothing was recorded meanwhile')
  for (const [method, path, caller, body] of asked.slice(2, -1)) {
    const { status } = await node.call(method, path, caller, body)
    assert.ok(status < 300, `${method} ${path} → ${status}`)
  }
})

test('a commit whose confirmation was lost is 503, and sent again it is the first decision, charged once', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  const given = { amount: 10, reason: 'test' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/credits`, given), 201)
  const call = { endpoint: '/x', credits_used: 3, idempotency_key: 'lost' }
  // From here on the key is known, and nothing but the call itself is left to be asked.
  expectStatus(await node.call('GET', '/api/quota', key), 200)
  proxy.muffle()
  const first = node.call('POST', '/api/track', key, call)
  const entries = () =>
    query(database.url, "SELECT seq FROM entry WHERE endpoint = '/x' AND credits = -3000000")
  await until('the line to be committed', async () => (await entries()).length === 1)
  await proxy.cut()
  assertProblem(await first, 'database_unavailable')
  await proxy.restore()
  const again = expectStatus(await node.call('POST', '/api/track', key, call), 200)
  assert.deepEqual(
    [again.body.replayed, again.body.seq, again.body.credits.remaining],
    [true, 3, 7],
  )
  assert.deepEqual(await differencesIn(database.url), [])
})

const WORKERS = 24
const CALLS_BEFORE = 300
const CALLS = 1_500

test('kill -9 of PostgreSQL under load: nothing acknowledged is lost, nothing counts twice, nobody starts anything anew', async (t) => {
  const { dataDir, sharedDir } = testFolder(t)
  const quiet = { info() {}, warn() {}, error() {} }
  const postgres = await startEmbeddedPostgres({ dataDir, sharedDir, log: quiet })
  t.after(() => postgres.stop())
  const own = await nodeOn(postgres)
  t.after(() => own.stop())
  const { id, key } = await own.tenant({ plan: 'prepaid' })
  const given = { amount: CALLS, reason: 'test' }
  expectStatus(await own.admin('POST', `/api/admin/tenants/${id}/credits`, given), 201)

  const pid = postmasterPid(clusterOf(dataDir))
  let acknowledged = 0
  const refusals: Reply[] = []
  const keys = Array.from({ length: CALLS }, (_, index) => `call-${index}`)
  const decisions = await inParallel(keys, WORKERS, async (idempotency_key) => {
    const reply = await untilAnswered(own, key, { endpoint: '/x', idempotency_key }, refusals)
    acknowledged += 1
    if (acknowledged === CALLS_BEFORE) process.kill(pid, 'SIGKILL')
    return reply
  })

  assert.ok(refusals.length > 0, 'nobody noticed that the database was gone')
  for (const refusal of refusals) assertProblem(refusal, 'database_unavailable')
  assert.notEqual(postmasterPid(clusterOf(dataDir)), pid)
  const numbers = decisions.map(({ body }) => body.seq as number)
  assert.deepEqual(
    numbers.toSorted((a, b) => a - b),
    keys.map((_, index) => index + 3),
  )
  const again = await inParallel(keys, WORKERS, (idempotency_key) =>
    own.call('POST', '/api/track', key, { endpoint: '/x', idempotency_key }),
  )
  assert.ok(again.every(({ body }) => body.replayed === true))
  assert.deepEqual(
    again.map(({ body }) => body.seq),
    numbers,
  )
  const { credits, quota } = (await own.call('GET', '/api/quota', key)).body
  assert.deepEqual([credits.balance, quota.used], [0, CALLS])
  assert.deepEqual(await differencesIn(postgres.url), [])
  assert.ok(!readFileSync(`${dataDir}/postgres.log`, 'utf8').includes(key))
})

async function untilAnswered(
  own: TestNode,
  key: string,
  call: object,
  refusals: Reply[],
): Promise<Reply> {
  return until('the database to be back', async () => {
    const reply = await own.call('POST', '/api/track', key, call)
    if (reply.status === 200) return reply
    refusals.push(reply)
    return null
  })
}
