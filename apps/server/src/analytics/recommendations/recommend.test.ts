import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { catalogFile } from '../../../test/api-catalog.ts'
import { checkReply } from '../../../test/api-contract.ts'
import { send } from '../../../test/api-request.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, handClock, type TestNode, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const CATALOG = `
catalog: 1
services:
  convert:
    trust_reported: false
    endpoints:
      - { path: /convert, credits: 1 }
      - { path: /precious, credits: 1, premium: true }
plans:
  unit: { price: { per_unit: "0.10" }, features: &all { granularity: hourly, export: true, retention_months: 12 } }
  small: { quota: { limit: 20, overage: deny }, price: { base: "1" }, features: *all }
  flat: { price: { base: "4" }, premium: false, features: { granularity: daily, retention_months: 3 } }
  narrow: { price: { base: "2" }, endpoints: { deny: ["convert /convert"] }, features: *all }
  every: { counts: all, price: { per_unit: "0.01" }, features: *all }
  metered: { price: { charges: [{ name: B, model: per_unit, meter: bytes, unit_price: "0.1" }] }, features: *all }
  credited: { credits: required, features: *all }
  euro: { price: { currency: EUR, base: "1" }, features: *all }
  agreed: { self_service: false, price: { base: "0.50" }, features: *all }
meters:
  bytes: { aggregation: sum, field: file_size_bytes, unit: bytes }
`
const clock = handClock(new Date(Date.now() + 60 * 86_400_000).toISOString())

let node: TestNode
let service: { key: string }
let remove: () => Promise<void>
before(async () => {
  const catalog = await catalogFile(CATALOG)
  remove = catalog.remove
  node = await testNode({ catalogFile: catalog.path, clock })
  service = await node.service('convert')
})
after(async () => {
  await node?.stop()
  await remove?.()
})

async function tenantOn(plan: string) {
  const tenant = await node.tenant({ plan, test_clock: '2025-01-01T00:00:00Z' })
  const path = `/api/admin/tenants/${tenant.id}/clock`
  return {
    ...tenant,
    live: async (now: string, calls: number, call: object = {}) => {
      expectStatus(await node.admin('POST', path, { now }), 200)
      await sendCalls(node, service.key, tenant.id, Array<object>(calls).fill(call))
    },
  }
}

async function read(key: string): Promise<{ kind: string; [name: string]: unknown }[]> {
  const reply = await node.call('GET', '/api/usage/recommendations', key)
  checkReply('GET', '/api/usage/recommendations', reply)
  return expectStatus(reply, 200).body.data
}

test('the plan that had cost least for the last three periods is told, with what each would have', async () => {
  const tenant = await tenantOn('unit')
  for (const month of ['01', '02', '03', '04']) await tenant.live(`2025-${month}-10T00:00:00Z`, 100)
  await tenant.live('2025-05-10T00:00:00Z', 1)
  const [cheaper, ...others] = await read(tenant.key)
  assert.equal(cheaper!.kind, 'cheaper_plan')
  assert.deepEqual(
    { ...cheaper, kind: undefined, plans: undefined, not_compared: undefined },
    {
      kind: undefined,
      currency: 'USD',
      plan: 'unit',
      suggested_plan: 'flat',
      saving_per_month: '6.00',
      periods: [
        { start: '2025-02-01T00:00:00Z', end: '2025-02-28T23:59:59Z' },
        { start: '2025-03-01T00:00:00Z', end: '2025-03-31T23:59:59Z' },
        { start: '2025-04-01T00:00:00Z', end: '2025-04-30T23:59:59Z' },
      ],
      plans: undefined,
      not_compared: undefined,
    },
  )
  const row = (plan: string, version: number, each: string, total: string, more: object = {}) => ({
    plan,
    plan_version: version,
    total,
    per_month: each,
    fits: true,
    problems: [],
    features_lost: [],
    ...more,
  })
  assert.deepEqual(cheaper!.plans, [
    row('small', 1, '1.00', '3.00', { fits: false, problems: ['quota_exceeded'] }),
    row('narrow', 1, '2.00', '6.00', { fits: false, problems: ['endpoint_not_allowed'] }),
    row('flat', 1, '4.00', '12.00', { features_lost: ['hourly_granularity', 'export', 'history'] }),
    row('unit', 1, '10.00', '30.00'),
  ])
  assert.deepEqual(cheaper!.not_compared, [
    { plan: 'credited', reason: 'credits_not_measured' },
    { plan: 'euro', reason: 'no_price_in_currency' },
    { plan: 'every', reason: 'counts_differently' },
    { plan: 'metered', reason: 'meter_not_measured' },
  ])
  // No premium endpoint was called, and the plan without it is cheaper.
  assert.deepEqual(others, [
    {
      kind: 'unused_premium',
      currency: 'USD',
      plan: 'unit',
      suggested_plan: 'flat',
      saving_per_month: '6.00',
      periods: cheaper!.periods,
      calls: 300,
      premium_calls: 0,
    },
  ])
  const path = `/api/admin/tenants/${tenant.id}/usage/recommendations`
  assert.deepEqual((await node.admin('GET', path)).body.data, [cheaper, ...others])
})

test('who calls what is premium is not told to leave it', async () => {
  const tenant = await tenantOn('unit')
  await tenant.live('2025-01-10T00:00:00Z', 100, { endpoint: '/precious' })
  await tenant.live('2025-02-10T00:00:00Z', 0)
  const [cheaper, ...others] = await read(tenant.key)
  assert.equal(cheaper!.suggested_plan, 'narrow')
  const plans = cheaper!.plans as { plan: string; problems: string[] }[]
  assert.deepEqual(plans.find(({ plan }) => plan === 'flat')!.problems, ['premium_needed'])
  assert.deepEqual(others, [])
})

test('who has the cheapest plan, or no whole period yet, is told nothing', async () => {
  const cheapest = await tenantOn('unit')
  await cheapest.live('2025-01-10T00:00:00Z', 10)
  await cheapest.live('2025-02-10T00:00:00Z', 0)
  assert.deepEqual(await read(cheapest.key), [])
  const fresh = await tenantOn('unit')
  await fresh.live('2025-01-10T00:00:00Z', 100)
  assert.deepEqual(await read(fresh.key), [])
})

test('an endpoint that fails is told with its calls and what they used', async () => {
  const tenant = await tenantOn('every')
  const failed = { endpoint: '/convert', status: 'failure' }
  await tenant.live('2025-01-10T00:00:00Z', 15, { endpoint: '/convert' })
  await tenant.live('2025-01-11T00:00:00Z', 15, failed)
  assert.deepEqual(await read(tenant.key), [
    {
      kind: 'wasteful_endpoint',
      endpoint: '/convert',
      days: 30,
      calls: 30,
      failed: 15,
      failure_rate: 50,
      units_lost: 15,
      credits_lost: 0,
    },
  ])
  await tenant.live('2025-03-10T00:00:00Z', 0)
  assert.deepEqual(
    (await read(tenant.key)).filter(({ kind }) => kind === 'wasteful_endpoint'),
    [],
  )
})

test('keys that nobody uses are told, and no more once they are used or revoked', async () => {
  const tenant = await node.tenant({ plan: 'unit' })
  const keys = `/api/admin/tenants/${tenant.id}/keys`
  const made = async (name: string) =>
    expectStatus(await node.admin('POST', keys, { name, team: 'a' }), 201).body
  const [used, idle, revoked] = [await made('used'), await made('idle'), await made('revoked')]
  const owner = await signedIn(node, 'owner', tenant.id)
  const revoke = `/api/keys/${revoked.key_id}`
  expectStatus(await node.call('DELETE', revoke, owner.accessToken), 204)
  const call = { endpoint: '/convert' }
  expectStatus(await node.call('POST', '/api/track', used.key, call), 200)
  expectStatus(await node.call('POST', '/api/track', tenant.key, call), 200)
  const found = (await read(tenant.key)).filter(({ kind }) => kind === 'idle_key')
  assert.deepEqual(
    found.map(({ key_id, name, team, last_used_at }) => [key_id, name, team, last_used_at]),
    [[idle.key_id, 'idle', 'a', null]],
  )
  expectStatus(await node.call('POST', '/api/track', idle.key, call), 200)
  assert.deepEqual(
    (await read(tenant.key)).filter(({ kind }) => kind === 'idle_key'),
    [],
  )
})

test('who may not read bills is told nothing of plans', async () => {
  const tenant = await tenantOn('unit')
  await tenant.live('2025-01-10T00:00:00Z', 100)
  await tenant.live('2025-02-10T00:00:00Z', 0)
  const kinds = async (key: string) => (await read(key)).map(({ kind }) => kind)
  const viewer = await signedIn(node, 'viewer', tenant.id)
  const finance = await signedIn(node, 'finance', tenant.id)
  assert.deepEqual(await kinds(viewer.accessToken), [])
  assert.deepEqual(await kinds(finance.accessToken), ['cheaper_plan', 'unused_premium'])
})

test('the same is answered 304, until something changes', async () => {
  const tenant = await tenantOn('unit')
  const ask = (tag?: string) => {
    const headers: Record<string, string> = tag === undefined ? {} : { 'if-none-match': tag }
    const path = '/api/usage/recommendations'
    return send(node.url, tenant.key, { method: 'GET', path, headers })
  }
  await tenant.live('2025-01-10T00:00:00Z', 100)
  const tag = expectStatus(await ask(), 200).headers.get('etag')!
  assert.equal((await ask(tag)).status, 304)
  await tenant.live('2025-02-10T00:00:00Z', 0)
  assert.equal((await ask(tag)).status, 200)
})

test('what the query does not know is refused, and another tenant is nobody', async () => {
  const [tenant, other] = [await tenantOn('unit'), await tenantOn('unit')]
  const status = async (query: string) =>
    (await node.call('GET', `/api/usage/recommendations?${query}`, tenant.key)).status
  assert.equal(await status('months=3'), 400)
  assert.equal(await status('tenant_id=%00'), 400)
  assert.equal(await status(`tenant_id=${other.id}`), 404)
})
