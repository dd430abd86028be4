import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { signedIn } from '../../test/members.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service()
const NOW = '2025-03-15T12:00:00Z'

async function tenantOn(plan: string) {
  const tenant = await node.tenant({ plan, test_clock: '2024-01-01T00:00:00Z' })
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenant.id}/clock`, { now: NOW }), 200)
  return tenant
}
const free = await tenantOn('free')
const pro = await tenantOn('pro')
const enterprise = await tenantOn('enterprise')

async function read(what: string, key: string) {
  return node.call('GET', `/api/usage/${what}`, key)
}

/** What a plan lacks, and which plan is named. */
const LACKING: [what: string, feature: string, plan: string][] = [
  ['current', 'realtime', 'pro'],
  ['metrics', 'realtime', 'pro'],
  ['stream', 'realtime', 'pro'],
  ['performance', 'performance', 'pro'],
  ['history?granularity=hourly', 'hourly_granularity', 'pro'],
  ['history?granularity=minute', 'second_granularity', 'enterprise'],
  ['timeseries?granularity=second', 'second_granularity', 'enterprise'],
  ['history?period=last_month', 'history', 'pro'],
  ['breakdown?period=2025-02', 'history', 'pro'],
  ['keys?start_date=2025-02-28&end_date=2025-03-10', 'history', 'pro'],
  ['recommendations', 'history', 'pro'],
]

for (const [what, feature, plan] of LACKING) {
  test(`${what} is more than free has: told with the feature and the cheapest plan with it`, async () => {
    const reply = await read(what, free.key)
    assert.equal(reply.status, 403, JSON.stringify(reply.body))
    assert.match(reply.headers.get('content-type')!, /problem\+json/)
    assert.equal(reply.body.code, 'plan_feature_required')
    assert.deepEqual([reply.body.feature, reply.body.plan], [feature, plan])
  })
}

test('free has the summary, and its running month by day, week and month', async () => {
  for (const what of [
    'summary',
    'history',
    'breakdown',
    'keys',
    'teams',
    'timeseries',
    'forecast',
  ]) {
    expectStatus(await read(what, free.key), 200)
  }
  for (const granularity of ['daily', 'weekly', 'monthly']) {
    expectStatus(await read(`history?granularity=${granularity}`, free.key), 200)
  }
})

test('pro has twelve months by the hour, and not a day more', async () => {
  expectStatus(await read('history?granularity=hourly&period=last_7_days', pro.key), 200)
  expectStatus(await read('breakdown?start_date=2024-03-01&end_date=2025-03-15', pro.key), 200)
  const reply = await read('breakdown?start_date=2024-02-29&end_date=2025-03-15', pro.key)
  assert.deepEqual([reply.status, reply.body.plan], [403, 'enterprise'])
  const seconds = await read('history?granularity=second&period=2025-03', pro.key)
  assert.equal(seconds.body.feature, 'second_granularity')
})

test('enterprise has everything, down to the second', async () => {
  expectStatus(await read('breakdown?period=2001-01', enterprise.key), 200)
  const hour = 'start_date=2025-03-15T10:00:00Z&end_date=2025-03-15T10:30:00Z'
  const { body } = expectStatus(
    await read(`history?granularity=second&${hour}`, enterprise.key),
    200,
  )
  assert.equal(body.data[0].date, '2025-03-15T10:00:00Z')
  assert.equal(body.data.length, 500)
  assert.ok(body.next_cursor)
})

test('a plan binds the tenant, its people and its services, and not who operates', async () => {
  const owner = await signedIn(node, 'owner', free.id)
  assert.equal((await read('current', owner.accessToken)).status, 403)
  const asService = await read(`current?tenant_id=${free.id}`, service.key)
  assert.equal(asService.status, 403)
  expectStatus(await node.admin('GET', `/api/usage/current?tenant_id=${free.id}`), 200)
  const path = `/api/admin/tenants/${free.id}/usage`
  expectStatus(await node.admin('GET', `${path}/performance?period=2024-02`), 200)
  expectStatus(await node.admin('GET', `${path}/history?granularity=hourly`), 200)
})

test('operators see of a tenant what it sees itself', async () => {
  const track = { endpoint: '/x', file_type: 'pdf', output_format: 'md' }
  expectStatus(await node.call('POST', '/api/track', pro.key, track), 200)
  for (const what of [
    'summary',
    'history',
    'current',
    'breakdown',
    'performance',
    'keys',
    'teams',
    'timeseries',
    'metrics',
    'forecast',
    'recommendations',
  ]) {
    const own = expectStatus(await read(what, pro.key), 200).body
    const seen = expectStatus(
      await node.admin('GET', `/api/admin/tenants/${pro.id}/usage/${what}`),
      200,
    )
    assert.deepEqual(seen.body, own, what)
  }
})
