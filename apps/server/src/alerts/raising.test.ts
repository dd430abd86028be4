import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { alertLines, setAlerts, watchOn } from '../../test/alert-watch.ts'
import { catalogFile } from '../../test/api-catalog.ts'
import { differencesIn } from '../../test/api-verify.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, handClock, nodeOn } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'

const CATALOG = `
catalog: 1
plans:
  small: { quota: { limit: 10, overage: deny }, features: &all { alerts: true, realtime: true } }
  large: { quota: { limit: 100, overage: charge }, features: *all }
  none: { quota: { limit: 0, overage: charge }, features: *all }
  blind: { quota: { limit: 10, overage: deny } }
`
const catalog = await catalogFile(CATALOG)
const database = await testDatabase()
const clock = handClock('2025-01-10T12:00:00Z')
const options = { catalogFile: catalog.path, clock }
const nodes = [await nodeOn(database, options), await nodeOn(database, options)] as const
const [node, other] = nodes
after(async () => {
  await Promise.all(nodes.map((one) => one.stop()))
  await database.drop()
  await catalog.remove()
})
const service = await node.service('s')
const watch = watchOn(node)

type Tenant = { id: string; key: string }
const calls = ({ id }: Tenant, count: number, more: object = {}) =>
  sendCalls(node, service.key, id, Array(count).fill(more))
const told = async ({ id }: Tenant) =>
  (await alertLines(node, id)).map(({ detail: { alert_id, value } }) => [alert_id, value])
const quota = (threshold: number) => ({ type: 'quota_threshold', threshold, notify_email: false })

test('part of the quota is told once, when it is reached and not before', async () => {
  const tenant = await node.tenant({ plan: 'small' })
  await setAlerts(node, tenant.id, quota(80), quota(100), quota(30.01))
  await calls(tenant, 3)
  await watch.run()
  assert.deepEqual(await told(tenant), [])
  await calls(tenant, 1)
  await watch.run()
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_quota_30.01', 40]])
  await calls(tenant, 6)
  await watch.run()
  assert.deepEqual(await told(tenant), [
    ['alert_quota_30.01', 40],
    ['alert_quota_100', 100],
    ['alert_quota_80', 100],
  ])
  const [first] = await alertLines(node, tenant.id)
  assert.deepEqual(first, {
    ...first,
    reason: null,
    counted: false,
    used: 4,
    credits: { change: 0, cost: 0, remaining: 0 },
    key_id: null,
    detail: {
      alert_id: 'alert_quota_30.01',
      type: 'quota_threshold',
      threshold: 30.01,
      value: 40,
      since: '2025-01-10T00:00:00.000Z',
    },
  })
  const { alerts } = (await node.call('GET', '/api/usage/alerts', tenant.key)).body
  assert.deepEqual(
    alerts.map(({ last_triggered }: { last_triggered: string }) => last_triggered),
    Array(3).fill('2025-01-10T12:00:00.000Z'),
  )
})

test('it is told again in the next period, and for another quota, but not for a void', async () => {
  const tenant = await node.tenant({ plan: 'small', test_clock: '2025-01-31T00:00:00Z' })
  const advance = async (now: string) =>
    expectStatus(await node.admin('POST', `/api/admin/tenants/${tenant.id}/clock`, { now }), 200)
  await setAlerts(node, tenant.id, quota(50))
  await calls(tenant, 4)
  const event = expectStatus(
    await node.call('POST', '/api/track', tenant.key, { endpoint: '/x' }),
    200,
  ).body
  await watch.run()
  const voiding = `/api/events/${event.event_id}/void`
  expectStatus(await node.admin('POST', voiding, { reason: 'test' }), 200)
  await calls(tenant, 1)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_quota_50', 50]])
  await advance('2025-02-28T00:00:00Z')
  await watch.run()
  assert.equal((await told(tenant)).length, 1, 'nothing is used yet')
  await calls(tenant, 6)
  await watch.run()
  assert.deepEqual((await told(tenant)).at(1), ['alert_quota_50', 60])
  const larger = { plan: 'large' }
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, larger), 200)
  await calls(tenant, 43)
  await watch.run()
  assert.equal((await told(tenant)).length, 2, '49 of 100')
  await calls(tenant, 1)
  await watch.run()
  assert.deepEqual((await told(tenant)).slice(2), [['alert_quota_50', 50]])
  // Back at a quota of which it was told, it is not told again.
  for (const plan of ['small', 'large', 'small']) {
    expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan }), 200)
    await watch.run()
  }
  assert.equal((await told(tenant)).length, 3)
})

test('of no quota nothing is reached, and of one of nothing anything is', async () => {
  const tenant = await node.tenant({ plan: 'none' })
  await setAlerts(node, tenant.id, quota(1_000))
  await watch.run()
  assert.deepEqual(await told(tenant), [])
  await calls(tenant, 1)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_quota_1000', 100]])
})

test('what is reached already is told as soon as it is set', async () => {
  const tenant = await node.tenant({ plan: 'small' })
  await calls(tenant, 9)
  await setAlerts(node, tenant.id, { ...quota(80), enabled: false })
  await watch.run()
  assert.deepEqual(await told(tenant), [])
  await setAlerts(node, tenant.id, quota(80))
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_quota_80', 90]])
  // Set again it is the same one; ended and set it is another.
  await setAlerts(node, tenant.id, quota(80))
  await watch.run()
  assert.equal((await told(tenant)).length, 1)
  const path = `/api/usage/alerts/alert_quota_80?tenant_id=${tenant.id}`
  expectStatus(await node.admin('DELETE', path), 204)
  clock.advance(1)
  await setAlerts(node, tenant.id, quota(80))
  await watch.run()
  assert.equal((await told(tenant)).length, 2)
})

test('calls of a day are told once a day, by the days where the tenant lives', async () => {
  const tenant = await node.tenant({ plan: 'large', time_zone: 'Asia/Tokyo' })
  const daily = { type: 'daily_limit', threshold: 3, notify_email: false }
  clock.set('2025-01-20T14:59:00Z')
  await setAlerts(node, tenant.id, daily)
  await calls(tenant, 3)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_daily_3', 3]])
  await calls(tenant, 3)
  await watch.run()
  clock.advance(60_000)
  await calls(tenant, 2)
  await watch.run()
  assert.equal((await told(tenant)).length, 1, 'two of the new day')
  await calls(tenant, 2)
  await watch.run()
  const lines = await alertLines(node, tenant.id)
  assert.deepEqual(
    lines.map(({ detail }) => [detail.value, detail.since]),
    [
      [3, '2025-01-19T15:00:00.000Z'],
      [4, '2025-01-20T15:00:00.000Z'],
    ],
  )
})

test('who moves to another time zone is told by the day that runs there', async () => {
  clock.set('2025-01-23T14:00:00Z')
  const tenant = await node.tenant({ plan: 'large', time_zone: 'Asia/Tokyo' })
  await setAlerts(node, tenant.id, { type: 'daily_limit', threshold: 5, notify_email: false })
  await calls(tenant, 4)
  clock.set('2025-01-23T15:30:00Z')
  await calls(tenant, 3)
  await watch.run()
  assert.deepEqual(await told(tenant), [], 'a new day in Tokyo for half an hour')
  const zone = { time_zone: 'Europe/London' }
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, zone), 200)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_daily_5', 7]])
})

test('an error rate is told over its window, and again when that has passed', async () => {
  const tenant = await node.tenant({ plan: 'large' })
  await setAlerts(node, tenant.id, {
    type: 'error_rate',
    threshold: 25,
    window_minutes: 10,
    notify_email: false,
  })
  const failing = { status: 'failure' }
  await calls(tenant, 4)
  await calls(tenant, 1, failing)
  await watch.run()
  assert.deepEqual(await told(tenant), [], 'one in five')
  await calls(tenant, 1, failing)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_errors_25_10m', 33.33]])
  clock.advance(9 * 60_000)
  await calls(tenant, 1, failing)
  await watch.run()
  assert.equal((await told(tenant)).length, 1)
  clock.advance(60_001)
  // Of the ten minutes: the one of a minute ago, and these.
  await calls(tenant, 3)
  await watch.run()
  assert.deepEqual((await told(tenant)).at(1), ['alert_errors_25_10m', 25])
  clock.advance(11 * 60_000)
  await calls(tenant, 3)
  await watch.run()
  assert.equal((await told(tenant)).length, 2, 'none of three')
})

test('a plan without alerts raises none; with one that has them what is reached is told', async () => {
  const tenant = await node.tenant({ plan: 'blind' })
  await setAlerts(node, tenant.id, quota(80))
  await calls(tenant, 9)
  await watch.run()
  assert.deepEqual(await told(tenant), [])
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan: 'small' }), 200)
  await watch.run()
  assert.deepEqual(await told(tenant), [['alert_quota_80', 90]])
})

test('there is one line, whoever looks at the same time', async () => {
  const tenants = await Promise.all(
    Array.from({ length: 10 }, () => node.tenant({ plan: 'small' })),
  )
  for (const { id } of tenants) {
    await setAlerts(node, id, quota(80), { type: 'error_rate', threshold: 50 })
  }
  const watches = [watch, watchOn(other), watchOn(node), watchOn(other)]
  for (let round = 0; round < 3; round += 1) {
    const writing = tenants.map((tenant) => calls(tenant, 3, { status: 'failure' }))
    const looking = watches.map(async (one) => {
      for (let look = 0; look < 5; look += 1) await one.run()
    })
    await Promise.all([...writing, ...looking])
  }
  // What counts on this plan are successes.
  await Promise.all(tenants.map((tenant) => calls(tenant, 8)))
  await Promise.all(watches.map((one) => one.run()))
  for (const tenant of tenants) {
    const ids = (await told(tenant)).map(([id]) => id)
    assert.deepEqual(ids, ['alert_errors_50_60m', 'alert_quota_80'])
  }
})

test('who dies between the line and what follows from it leaves nothing half done', async () => {
  const tenant = await node.tenant({ plan: 'small', email: 'half@example.com' })
  await setAlerts(node, tenant.id, { ...quota(80), notify_email: true })
  await calls(tenant, 8)
  const { pool } = node.server
  const jobs = async () => {
    const { rows } = await pool.query(
      `SELECT payload FROM graphile_worker._private_jobs AS j
       JOIN graphile_worker._private_tasks AS t ON t.id = j.task_id AND t.identifier = 'send_alert'`,
    )
    return rows.filter(({ payload }) => payload.to === 'half@example.com').length
  }
  await watch.run()
  const [line] = await alertLines(node, tenant.id)
  assert.equal(await jobs(), 1)
  // As if the second transaction had never been.
  await pool.query(
    `UPDATE alert_rule SET raised_for = NULL, raised_seq = NULL, raised_at = NULL, checked_seq = 0
     WHERE tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $1)`,
    [tenant.id],
  )
  await calls(tenant, 1)
  await Promise.all([watch.run(), watchOn(other).run()])
  assert.deepEqual(await alertLines(node, tenant.id), [line], 'the same line, with what it said')
  assert.equal(await jobs(), 2, 'the e-mail that was lost, once')
  const { alerts } = (await node.call('GET', '/api/usage/alerts', tenant.key)).body
  assert.equal(alerts[0].last_triggered, line!.recorded_at)
})

test('logs with such lines are what they should be', async () => {
  assert.deepEqual(await differencesIn(database.url), [])
})
