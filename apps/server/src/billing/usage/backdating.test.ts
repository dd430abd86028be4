import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../../test/api-catalog.ts'
import { billedTenants } from '../../../test/billed-tenants.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { verifyTenant } from '../verify/verify-tenant.ts'

const catalog = await catalogFile(`
catalog: 1
meters:
  seats: { aggregation: last, field: properties.seats }
plans:
  free: { quota: { limit: 100, overage: deny } }
  pro: { price: { per_unit: "0.10" } }
  tried: { price: { per_unit: "0.10" }, trial_days: 10 }
  seated:
    price: { charges: [{ name: Seats, model: per_unit, meter: seats, unit_price: "1" }] }
`)
const node = await testNode({ catalogFile: catalog.path })
after(async () => {
  await node.stop()
  await catalog.remove()
})
const { clocked, calls, move, invoices } = await billedTenants(node)

type Tenant = { id: string; key: string }

/** Each way in that a tenant's own credentials have. */
const OWN_WAYS: Record<string, (tenant: Tenant, timestamp: string) => Promise<void>> = {
  async 'an API key'({ key }, timestamp) {
    expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x', timestamp }), 200)
  },
  async 'an API key, in a batch'({ key }, timestamp) {
    const reply = await node.call('POST', '/api/track', key, [{ endpoint: '/x', timestamp }])
    assert.equal(expectStatus(reply, 200).body.results[0].status, 200)
  },
  async 'an API key that names its tenant'({ id, key }, timestamp) {
    const event = { account_id: id, endpoint: '/x', timestamp, service_name: 'billed-calls' }
    expectStatus(await node.call('POST', '/api/track', key, event), 200)
  },
  async 'an access token'({ id }, timestamp) {
    const { accessToken } = await signedIn(node, 'developer', id)
    const event = { endpoint: '/x', timestamp }
    expectStatus(await node.call('POST', '/api/track', accessToken, event), 200)
  },
  async 'a CloudEvent'({ key }, time) {
    await sendCloudEvent(key, { time })
  },
  async 'a CloudEvent with a time in its data'({ key }, timestamp) {
    await sendCloudEvent(key, { data: { timestamp } })
  },
}
const OWN = Object.keys(OWN_WAYS).length

let eventsMade = 0

async function cloudEvent(key: string, more: object): Promise<{ status: number; body: string }> {
  eventsMade += 1
  const named = { specversion: '1.0', id: `e${eventsMade}`, source: '/x', type: '/x' }
  const reply = await fetch(`${node.url}/api/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/cloudevents+json' },
    body: JSON.stringify({ ...named, ...more }),
  })
  return { status: reply.status, body: await reply.text() }
}

async function sendCloudEvent(key: string, more: object): Promise<void> {
  const { status, body } = await cloudEvent(key, more)
  assert.equal(status, 204, body)
}

async function sendAllOwn(tenant: Tenant, timestamp: string): Promise<void> {
  for (const send of Object.values(OWN_WAYS)) await send(tenant, timestamp)
}

async function takePlan({ id }: Tenant, plan: string): Promise<void> {
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { plan }), 200)
}

const amountsOf = ({ lines }: { lines: Reply['body'][] }) =>
  lines.map(({ plan, kind, quantity, amount }) => [plan, kind, quantity, amount])

async function assertVerified({ id }: Tenant): Promise<void> {
  const { pool, catalog } = node.server
  const { rows } = await pool.query<{ tenant_no: number }>(
    'SELECT tenant_no FROM tenant WHERE tenant_id = $1',
    [id],
  )
  const found: string[] = []
  await verifyTenant(pool, catalog, rows[0]!.tenant_no, (of, what) => found.push(`${of}: ${what}`))
  assert.deepEqual(found, [])
}

async function onProAfterFreeMonth(): Promise<Tenant> {
  const tenant = await clocked('free', '2025-01-01T00:00:00Z')
  await move(tenant, '2025-02-01T00:00:00Z')
  await takePlan(tenant, 'pro')
  await move(tenant, '2025-02-10T00:00:00Z')
  return tenant
}

test('calls that a tenant stamps into its earlier free month are billed by the plan that runs', async () => {
  const tenant = await onProAfterFreeMonth()
  await sendAllOwn(tenant, '2025-01-15T00:00:00Z')
  await move(tenant, '2025-03-01T00:00:00Z')
  const [february] = await invoices(tenant)
  assert.deepEqual(amountsOf(february), [['pro', 'charge', OWN, '0.60']])
  await assertVerified(tenant)
})

test('a service or the operator that reports them late has them billed by when they happened', async () => {
  const tenant = await onProAfterFreeMonth()
  const late = { timestamp: '2025-01-15T00:00:00Z' }
  await calls(tenant, 3, late)
  const event = { tenant_id: tenant.id, endpoint: '/x', ...late }
  expectStatus(await node.admin('POST', '/api/track', event), 200)
  await move(tenant, '2025-03-01T00:00:00Z')
  assert.deepEqual((await invoices(tenant)).flatMap(amountsOf), [['pro', 'charge', 0, '0.00']])
  await assertVerified(tenant)
})

test('calls that a tenant stamps into its trial are charged once it is over, those of a service are free', async () => {
  const tenant = await clocked('tried', '2025-01-01T00:00:00Z')
  await move(tenant, '2025-01-12T00:00:00Z')
  await sendAllOwn(tenant, '2025-01-05T00:00:00Z')
  await calls(tenant, 5, { timestamp: '2025-01-05T00:00:00Z' })
  await move(tenant, '2025-02-01T00:00:00Z')
  const [january] = await invoices(tenant)
  assert.deepEqual(amountsOf(january), [['tried', 'charge', OWN, '0.60']])
  await assertVerified(tenant)
})

test('one millisecond before the plan changed is the old plan to a service, and the running one to the tenant', async () => {
  const tenant = await clocked('free', '2025-01-01T00:00:00Z')
  await move(tenant, '2025-01-20T00:00:00Z')
  await takePlan(tenant, 'pro')
  const before = '2025-01-19T23:59:59.999Z'
  await sendAllOwn(tenant, before)
  await calls(tenant, 7, { timestamp: before })
  await calls(tenant, 1, { timestamp: '2025-01-20T00:00:00.000Z' })
  await move(tenant, '2025-02-01T00:00:00Z')
  const [january] = await invoices(tenant)
  assert.deepEqual(amountsOf(january), [['pro', 'charge', OWN + 1, '0.70']])
  await assertVerified(tenant)
})

test('a void of a call that was stamped into another month is taken back where the call was billed', async () => {
  const tenant = await onProAfterFreeMonth()
  await sendAllOwn(tenant, '2025-01-15T00:00:00Z')
  const { data } = expectStatus(await node.call('GET', '/api/entries', tenant.key), 200).body
  const [last] = data.filter(({ kind }: Reply['body']) => kind === 'call')
  assert.equal(last.self_reported, true)
  await move(tenant, '2025-03-01T00:00:00Z')
  const reason = { reason: 'wrong' }
  expectStatus(await node.admin('POST', `/api/events/${last.event_id}/void`, reason), 200)
  await move(tenant, '2025-04-01T00:00:00Z')
  const [march, february] = await invoices(tenant)
  assert.equal(february.total, '0.60')
  assert.deepEqual(amountsOf(march).at(-1), ['pro', 'adjustment', -1, '-0.10'])
  await assertVerified(tenant)
})

test('of a meter that takes the last value a tenant cannot choose by its times which is the last', async () => {
  const tenant = await clocked('seated', '2025-01-01T00:00:00Z')
  await move(tenant, '2025-01-20T00:00:00Z')
  const seats = async (number: string, timestamp: string) => {
    const event = { endpoint: '/x', timestamp, properties: { seats: number } }
    expectStatus(await node.call('POST', '/api/track', tenant.key, event), 200)
  }
  await seats('1', '2025-01-20T20:00:00Z')
  await seats('50', '2025-01-02T00:00:00Z')
  await move(tenant, '2025-02-01T00:00:00Z')
  const [january] = await invoices(tenant)
  assert.equal(january.total, '50.00')
  await assertVerified(tenant)
})

test('statistics go by when a call happened, whoever sent it', async () => {
  const tenant = await clocked('pro', '2025-01-01T00:00:00Z')
  await move(tenant, '2025-01-20T00:00:00Z')
  await sendAllOwn(tenant, '2025-01-05T00:00:00Z')
  await calls(tenant, 2, { timestamp: '2025-01-05T12:00:00Z' })
  const path = '/api/usage/history?start_date=2025-01-01&end_date=2025-01-31&granularity=daily'
  const { data } = expectStatus(await node.call('GET', path, tenant.key), 200).body
  const days = data.map(({ date, conversions }: Reply['body']) => [date, conversions.total])
  assert.deepEqual(
    days.filter(([, total]: [string, number]) => total > 0),
    [['2025-01-05', OWN + 2]],
  )
})

test('lines from before it was noted who gave the time are billed as they were: by when they happened', async () => {
  const tenant = await onProAfterFreeMonth()
  const event = { endpoint: '/x', timestamp: '2025-01-15T00:00:00Z' }
  expectStatus(await node.call('POST', '/api/track', tenant.key, event), 200)
  await node.server.pool.query(
    `UPDATE entry SET self_reported = NULL
     WHERE tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $1)`,
    [tenant.id],
  )
  await move(tenant, '2025-03-01T00:00:00Z')
  const [february] = await invoices(tenant)
  assert.equal(february.total, '0.00')
  await assertVerified(tenant)
})

test('a time out of bounds is refused by name, whoever sends it, by the time of the tenant', async () => {
  const tenant = await clocked('pro', '2025-06-01T00:00:00Z')
  const service = await node.service()
  const bounds = ['2024-04-27T00:00:00.000Z', '2025-06-02T00:00:00.000Z'] as const
  const beyond = ['2024-04-26T23:59:59.999Z', '2025-06-02T00:00:00.001Z'] as const
  const event = { tenant_id: tenant.id, endpoint: '/x' }
  for (const key of [tenant.key, service.key, node.operatorKey]) {
    for (const timestamp of bounds) {
      expectStatus(await node.call('POST', '/api/track', key, { ...event, timestamp }), 200)
    }
    for (const timestamp of beyond) {
      const reply = await node.call('POST', '/api/track', key, { ...event, timestamp })
      assert.equal(expectStatus(reply, 400).body.code, 'invalid_request')
      assert.deepEqual(
        reply.body.errors.map(({ field }: { field: string }) => field),
        ['timestamp'],
      )
    }
  }
  for (const [field, more] of [
    ['time', { time: beyond[0] }],
    ['data.timestamp', { data: { timestamp: beyond[1] } }],
  ] as const) {
    const { status, body } = await cloudEvent(service.key, { subject: tenant.id, ...more })
    assert.equal(status, 400, body)
    assert.equal(JSON.parse(body).errors[0].field, field)
  }
})

test('a call that was taken is answered as a replay also when its time is out of bounds by now', async () => {
  const tenant = await clocked('pro', '2025-01-01T00:00:00Z')
  const event = { endpoint: '/x', timestamp: '2025-01-01T00:00:00Z', idempotency_key: 'once' }
  const first = expectStatus(await node.call('POST', '/api/track', tenant.key, event), 200).body
  await move(tenant, '2026-01-01T00:00:00Z')
  await move(tenant, '2026-06-01T00:00:00Z')
  const again = expectStatus(await node.call('POST', '/api/track', tenant.key, event), 200).body
  assert.deepEqual([again.seq, again.replayed], [first.seq, true])
})
