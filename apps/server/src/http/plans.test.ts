import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../test/api-catalog.ts'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { expectStatus, handClock, type Reply, testNode } from '../../test/node.ts'

const NOON = '2026-03-10T12:00:00Z'
const catalog = await catalogFile(`
catalog: 1
services:
  document-api:
    endpoints:
      - { path: /convert, credits: 2 }
      - { path: /reports/*, credits: 5, premium: true }
plans:
  free:
    quota: { limit: 100, overage: deny }
    premium: false
    endpoints: { deny: ["document-api /bulk/*"] }
  soft:
    quota: { limit: 2, overage: charge }
    price: { currency: USD, included: 2, per_unit: "0.10" }
  limited:
    rate_limits: [{ limit: 3, per: second }, { limit: 5, per: minute }]
  everything: # so that each reason can be seen to win over those after it
    credits: required
    quota: { limit: 1, overage: deny }
    rate_limits: [{ limit: 1, per: hour }]
    premium: false
    endpoints: { deny: ["document-api /bulk/*"] }
  success: { quota: { limit: 1, overage: deny } }
  all: { quota: { limit: 1, overage: deny }, counts: all }
`)
const clock = handClock(NOON)
const node = watched(await testNode({ clock, catalogFile: catalog.path }))
after(async () => {
  await node.stop()
  await catalog.remove()
})

const track = (key: string, more: object = {}) =>
  node.call('POST', '/api/track', key, { endpoint: '/work', ...more })

function assertDenied({ status, body, headers }: Reply, reason: string, expected: number): void {
  assert.equal(body.reason, reason)
  assert.equal(status, expected)
  assert.equal(body.decision, 'denied')
  assert.equal(body.credits.charged, 0)
  assert.equal(headers.has('retry-after'), status === 429)
}

test('free: 100 calls of a period are allowed, the 101st is told when the next period begins, and then allowed', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'free' })
  const replies = await inParallel(Array.from({ length: 100 }), 20, () => track(key))
  assert.ok(replies.every(({ status }) => status === 200))

  const { headers, body } = await track(key)
  assertDenied({ status: 429, headers, body }, 'quota_exceeded', 429)
  const { resets_at, ...quota } = body.quota
  assert.deepEqual(quota, { used: 100, limit: 100, remaining: 0 })
  assert.equal(resets_at, '2026-04-10T00:00:00.000Z')
  assert.equal(
    headers.get('retry-after'),
    String((Date.parse(resets_at) - Date.parse(NOON)) / 1_000),
  )

  clock.set(Date.parse(resets_at) - 1)
  const last = await track(key)
  assertDenied(last, 'quota_exceeded', 429)
  assert.equal(last.headers.get('retry-after'), '1')
  clock.set(resets_at)
  assert.deepEqual((await node.call('GET', '/api/quota', key)).body.quota.used, 0)
  const next = expectStatus(await track(key), 200)
  assert.equal(next.body.quota.used, 1)
  assert.equal(next.body.quota.resets_at, '2026-05-10T00:00:00.000Z')
})

test('a hard quota is not overrun by calls that race for its last units', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'free' })
  const replies = await inParallel(Array.from({ length: 150 }), 50, () => track(key))
  assert.equal(replies.filter(({ status }) => status === 200).length, 100)
  assert.equal(replies.filter(({ status }) => status === 429).length, 50)
})

test('a soft quota lets calls through and says that they are overage', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'soft' })
  const overage = []
  for (const quantity of [1, 2, 1]) {
    overage.push(expectStatus(await track(key, { quantity }), 200).body.overage)
  }
  assert.deepEqual(overage, [false, true, true])
  assert.equal((await node.call('GET', '/api/quota', key)).body.quota.overage, 2)
  assert.equal((await node.call('GET', '/api/billing/current', key)).body.total, '0.20')
})

test('rate limits hold over each window, are told in headers, and open again when they say', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'limited' })
  const first = await track(key)
  assert.equal(first.headers.get('ratelimit-policy'), '"second";q=3;w=1, "minute";q=5;w=60')
  assert.equal(first.headers.get('ratelimit'), '"second";r=2;t=1, "minute";r=4;t=60')
  assert.equal(first.body.rate_limits[1].resets_at, '2026-03-10T12:01:00.000Z')
  expectStatus(await track(key), 200)
  expectStatus(await track(key), 200)
  const fourth = await track(key)
  assertDenied(fourth, 'rate_limited', 429)
  assert.equal(fourth.headers.get('retry-after'), '1')
  assert.equal(fourth.headers.get('ratelimit'), '"second";r=0;t=1, "minute";r=2;t=60')

  clock.advance(1_000)
  expectStatus(await track(key), 200)
  expectStatus(await track(key), 200)
  const sixth = await track(key)
  assertDenied(sixth, 'rate_limited', 429)
  assert.equal(sixth.headers.get('retry-after'), '59')
  clock.set('2026-03-10T12:00:59.999Z')
  assertDenied(await track(key), 'rate_limited', 429)
  clock.set('2026-03-10T12:01:00Z')
  expectStatus(await track(key), 200)
  assert.equal((await node.call('GET', '/api/quota', key)).body.quota.used, 6)
})

test('a rate limit is not overrun by calls that race, nor by a batch', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'limited' })
  const racing = await inParallel(Array.from({ length: 20 }), 20, () => track(key))
  assert.equal(racing.filter(({ status }) => status === 200).length, 3)
  clock.advance(1_000)
  const batch = Array.from({ length: 10 }, () => ({ endpoint: '/work' }))
  const { results } = (await node.call('POST', '/api/track', key, batch)).body
  const reasons = results.map(({ reason }: { reason: string | null }) => reason)
  assert.deepEqual(reasons, [null, null, ...Array(8).fill('rate_limited')])
})

test('no limit, no header: plans without rate limits say nothing of them', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'free' })
  const { headers } = await track(key)
  assert.equal(headers.has('ratelimit'), false)
  assert.equal(headers.has('ratelimit-policy'), false)
})

test('what a plan does not hold is 403: premium endpoints, endpoints it denies, a suspended tenant', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'free' })
  const call = (endpoint: string) => track(key, { service_name: 'document-api', endpoint })
  assertDenied(await call('/reports/7'), 'premium_required', 403)
  assertDenied(await call('/bulk/convert'), 'endpoint_not_in_plan', 403)
  assertDenied(await call('/Bulk/../bulk//convert'), 'endpoint_not_in_plan', 403)
  assertDenied(await track(key, { premium: true }), 'premium_required', 403)
  expectStatus(await call('/convert'), 200)
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { status: 'suspended' }), 200)
  assertDenied(await call('/convert'), 'tenant_suspended', 403)
  assert.equal((await node.call('GET', '/api/quota', key)).body.quota.used, 1)
})

test('the first check that fails names the reason', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'everything' })
  const change = (body: object) => node.admin('PATCH', `/api/admin/tenants/${id}`, body)
  const grant = { amount: 1, reason: 'test' }
  await node.admin('POST', `/api/admin/tenants/${id}/credits`, grant)
  expectStatus(await track(key), 200)

  const worst = {
    service_name: 'document-api',
    endpoint: '/bulk/x',
    premium: true,
    credits_used: 9,
  }
  await change({ status: 'suspended' })
  assertDenied(await track(key, worst), 'tenant_suspended', 403)
  await change({ status: 'active' })
  assertDenied(await track(key, worst), 'endpoint_not_in_plan', 403)
  assertDenied(await track(key, { ...worst, endpoint: '/reports/1' }), 'premium_required', 403)
  assertDenied(await track(key, { credits_used: 9 }), 'rate_limited', 429)
  clock.advance(3_600_000)
  assertDenied(await track(key, { credits_used: 9 }), 'quota_exceeded', 429)
  clock.set('2026-04-10T00:00:00Z')
  assertDenied(await track(key, { credits_used: 9 }), 'insufficient_credits', 402)
})

test('a failed call uses quota only where the plan counts all', async () => {
  clock.set(NOON)
  const used = async (plan: string) => {
    const { key } = await node.tenant({ plan })
    expectStatus(await track(key, { status: 'failure' }), 200)
    return (await track(key)).status
  }
  assert.equal(await used('success'), 200)
  assert.equal(await used('all'), 429)
})
