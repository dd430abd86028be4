import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { catalogFile } from '../../../test/api-catalog.ts'
import { checkReply } from '../../../test/api-contract.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, type TestNode, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const CATALOG = `
catalog: 1
plans:
  unit: { price: { per_unit: "0.10" }, features: &all { granularity: second, retention_months: null } }
  month: { price: { per_unit: "0.10" }, features: { granularity: daily, retention_months: 0 } }
  limited: { quota: { limit: 600, overage: deny }, price: { base: "10", per_unit: "0.10" }, features: *all }
  sized:
    price:
      charges:
        - { name: Fee, model: flat, amount: "5" }
        - { name: Bytes, model: per_unit, meter: bytes, unit_price: "0.001" }
        - { name: Largest, model: per_unit, meter: largest, unit_price: "0.01" }
    features: *all
  credited: { credits: required, features: *all }
meters:
  bytes: { aggregation: sum, field: file_size_bytes, unit: bytes }
  largest: { aggregation: max, field: file_size_bytes, unit: bytes }
`
const DAY_MS = 86_400_000

let node: TestNode
let service: { key: string }
let remove: () => Promise<void>
before(async () => {
  const catalog = await catalogFile(CATALOG)
  remove = catalog.remove
  node = await testNode({ catalogFile: catalog.path })
  service = await node.service('convert')
})
after(async () => {
  await node?.stop()
  await remove?.()
})

/** Since midnight of the first of January 2025 where it lives. */
async function tenantOn(plan: string, more: object = {}) {
  const tenant = await node.tenant({ plan, test_clock: '2025-01-01T00:00:00Z', ...more })
  const path = `/api/admin/tenants/${tenant.id}`
  return {
    ...tenant,
    moveTo: async (now: string) => {
      expectStatus(await node.admin('POST', `${path}/clock`, { now }), 200)
    },
    send: (calls: object[]) => sendCalls(node, service.key, tenant.id, calls),
    /** Sends so many calls at noon of each day, as they happen. */
    live: async (date: string, days: number, perDay: number) => {
      for (let day = 0; day < days; day += 1) {
        const now = new Date(Date.parse(`${date}T12:00:00Z`) + day * DAY_MS).toISOString()
        expectStatus(await node.admin('POST', `${path}/clock`, { now }), 200)
        await sendCalls(node, service.key, tenant.id, Array<object>(perDay).fill({}))
      }
    },
    forecast: async (key = tenant.key) => {
      const reply = await node.call('GET', '/api/usage/forecast', key)
      checkReply('GET', '/api/usage/forecast', reply)
      return expectStatus(reply, 200).body
    },
    billed: async () =>
      expectStatus(await node.call('GET', '/api/billing/current', tenant.key), 200).body,
  }
}

/** So many at noon of each day from a date on, as `perDay` says by day. */
function callsFrom(date: string, days: number, perDay: (day: number) => number, call: object = {}) {
  return Array.from({ length: days }, (_, day) => {
    const timestamp = new Date(Date.parse(`${date}T12:00:00Z`) + day * DAY_MS).toISOString()
    return Array.from({ length: perDay(day) }, () => ({ timestamp, ...call }))
  }).flat()
}

test('ten calls a day go on as ten a day, and cost what the bill will say', async () => {
  const tenant = await tenantOn('unit')
  await tenant.live('2025-01-20', 50, 10)
  await tenant.moveTo('2025-03-11T00:00:00Z')
  const forecast = await tenant.forecast()
  assert.deepEqual(forecast.history, {
    days: 50,
    first: '2025-01-20',
    last: '2025-03-10',
    timezone: 'UTC',
  })
  assert.deepEqual(
    [forecast.basis, forecast.confidence, forecast.reason, forecast.interval_percent],
    ['trend_and_season', 'high', null, 80],
  )
  const same = (value: number) => ({ expected: value, low: value, high: value })
  assert.deepEqual(forecast.period_end, {
    start: '2025-03-01T00:00:00Z',
    end: '2025-03-31T23:59:59Z',
    conversions: { so_far: 100, ...same(310) },
    units: { so_far: 100, ...same(310) },
    credits: { so_far: 0, ...same(0) },
    cost: { currency: 'USD', so_far: '10.00', expected: '31.00', low: '31.00', high: '31.00' },
  })
  assert.deepEqual(forecast.next_30_days.conversions, same(300))
  assert.equal(forecast.next_30_days.cost.expected, '30.00')
  assert.deepEqual([forecast.quota, forecast.credits], [null, null])
  assert.equal((await tenant.billed()).total, '10.00')
  await tenant.live('2025-03-11', 21, 10)
  assert.equal((await tenant.billed()).total, '31.00')
})

test('weekdays are told apart', async () => {
  const tenant = await tenantOn('unit')
  await tenant.moveTo('2025-02-24T00:00:00Z')
  // From a Monday on, with weekends off.
  await tenant.send(callsFrom('2025-01-13', 42, (day) => (day % 7 < 5 ? 20 : 0)))
  const { period_end } = await tenant.forecast()
  assert.equal(period_end.conversions.so_far, 300)
  // Monday to Friday, the 28th.
  assert.equal(period_end.conversions.expected, 400)
})

test('meters of a plan grow with its units; what is the largest stays so', async () => {
  const tenant = await tenantOn('sized')
  await tenant.moveTo('2025-01-29T00:00:00Z')
  await tenant.send(callsFrom('2025-01-01', 28, () => 2, { file_size_bytes: 1_000 }))
  const { cost } = (await tenant.forecast()).period_end
  // 5 + 56 × 1 + 10, and three days of 2 more.
  assert.deepEqual([cost.so_far, cost.expected], ['71.00', '77.00'])
  assert.equal((await tenant.forecast()).next_30_days.cost.expected, '75.00')
})

test('the day on which a quota ends is told, and what is denied costs nothing', async () => {
  const tenant = await tenantOn('limited')
  await tenant.live('2025-02-11', 28, 22)
  await tenant.moveTo('2025-03-11T00:00:00Z')
  const { quota, next_30_days, period_end } = await tenant.forecast()
  // 220 are used, 380 left for 22 a day: the 18th day, the 28th.
  assert.deepEqual(quota, {
    limit: 600,
    used: 220,
    runs_out: {
      expected: '2025-03-28',
      earliest: '2025-03-28',
      latest: '2025-03-28',
      through: '2025-04-09',
    },
  })
  assert.equal(next_30_days.units.expected, 660)
  assert.equal(period_end.units.expected, 682)
  assert.deepEqual([next_30_days.cost.expected, period_end.cost.expected], ['70.00', '70.00'])
})

test('the day on which credits end is told', async () => {
  const tenant = await tenantOn('credited')
  const give = { amount: 250, reason: 'a gift' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenant.id}/credits`, give), 201)
  await tenant.moveTo('2025-01-21T00:00:00Z')
  await tenant.send(callsFrom('2025-01-01', 20, () => 5))
  const { credits } = await tenant.forecast()
  // 150 are left for 5 a day: the 30th day.
  assert.equal(credits.available, 150)
  assert.equal(credits.runs_out.expected, '2025-02-19')
})

test('a tenant without a whole day is told so, in the first second of a period too', async () => {
  const tenant = await tenantOn('unit')
  for (const now of [null, '2025-02-01T00:00:00Z']) {
    if (now !== null) await tenant.moveTo(now)
    const forecast = await tenant.forecast()
    assert.deepEqual(
      [forecast.basis, forecast.confidence, forecast.reason, forecast.history.days],
      ['none', 'none', 'no_whole_day', 0],
    )
    assert.deepEqual(forecast.next_30_days.conversions, { expected: null, low: null, high: null })
    assert.deepEqual(forecast.period_end.cost, {
      currency: 'USD',
      so_far: '0.00',
      expected: null,
      low: null,
      high: null,
    })
  }
  await tenant.send(callsFrom('2025-01-31', 1, () => 4))
  const forecast = await tenant.forecast()
  assert.deepEqual([forecast.basis, forecast.history.days], ['average', 1])
  assert.equal(forecast.period_end.conversions.so_far, 0)
  assert.equal(forecast.period_end.conversions.expected, 112)
  assert.ok(forecast.period_end.conversions.low < 60)
})

test('days without calls count as such, and voided calls as no calls', async () => {
  const tenant = await tenantOn('unit')
  await tenant.moveTo('2025-03-01T00:00:00Z')
  await tenant.send(callsFrom('2025-01-04', 56, (day) => (day % 4 === 0 ? 8 : 0)))
  const { next_30_days, history } = await tenant.forecast()
  assert.equal(history.days, 56)
  const { low, expected, high } = next_30_days.conversions
  assert.ok(low < 60 && high > 60 && Math.abs(expected - 60) < 10, JSON.stringify(next_30_days))
  const voided = await tenantOn('unit')
  await voided.moveTo('2025-01-10T00:00:00Z')
  await voided.send(callsFrom('2025-01-09', 1, () => 1))
  const { data } = (await node.call('GET', '/api/entries', voided.key)).body
  const { event_id } = data.find((line: { kind: string }) => line.kind === 'call')
  const path = `/api/events/${event_id}/void`
  expectStatus(await node.admin('POST', path, { reason: 'a mistake' }), 200)
  assert.equal((await voided.forecast()).basis, 'none')
})

test('a plan that keeps no history is told from its running month alone', async () => {
  const tenant = await tenantOn('month')
  await tenant.moveTo('2025-03-11T00:00:00Z')
  await tenant.send(callsFrom('2025-01-20', 50, () => 3))
  const { history, basis } = await tenant.forecast()
  assert.deepEqual([history.days, history.first, basis], [10, '2025-03-01', 'average'])
  const path = `/api/admin/tenants/${tenant.id}/usage/forecast`
  const { body } = expectStatus(await node.admin('GET', path), 200)
  assert.equal(body.history.days, 50)
})

test('who takes no calls has no forecast, and who leaves none beyond the end', async () => {
  const tenant = await tenantOn('unit')
  await tenant.moveTo('2025-01-21T00:00:00Z')
  await tenant.send(callsFrom('2025-01-01', 20, () => 5))
  const path = `/api/admin/tenants/${tenant.id}`
  const cancel = { when: 'period_end', tenant_id: tenant.id }
  expectStatus(await node.admin('POST', '/api/subscription/cancel', cancel), 200)
  const { next_30_days, period_end } = await tenant.forecast()
  assert.equal(period_end.conversions.expected, 155)
  assert.equal(next_30_days.conversions.expected, 55)
  expectStatus(await node.admin('PATCH', path, { status: 'suspended' }), 200)
  const stopped = await tenant.forecast()
  assert.deepEqual([stopped.basis, stopped.reason], ['none', 'not_running'])
  assert.equal(stopped.period_end.conversions.so_far, 100)
})

for (const timezone of ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Apia']) {
  test(`days are those of ${timezone}, of 23 and 25 hours too`, async () => {
    const tenant = await tenantOn('unit', { time_zone: timezone })
    await tenant.moveTo('2025-04-08T21:59:59Z')
    await tenant.send(callsFrom('2025-02-10', 58, () => 6))
    const { history, period_end, next_30_days } = await tenant.forecast()
    assert.ok(history.days >= 56, JSON.stringify(history))
    assert.equal(history.timezone, timezone)
    assert.ok(Math.abs(next_30_days.conversions.expected - 180) <= 6)
    const { so_far, expected } = period_end.conversions
    assert.ok(so_far < expected)
  })
}

test('who may not read bills is told of usage and not of money', async () => {
  const tenant = await tenantOn('unit')
  for (const [role, sees] of [
    ['viewer', false],
    ['finance', true],
  ] as const) {
    const { accessToken } = await signedIn(node, role, tenant.id)
    const { period_end, next_30_days } = await tenant.forecast(accessToken)
    assert.equal(period_end.cost !== null, sees, role)
    assert.equal(next_30_days.cost !== null, sees, role)
  }
})

test('what the query does not know is refused, and another tenant is nobody', async () => {
  const tenant = await tenantOn('unit')
  const other = await tenantOn('unit')
  for (const query of ['days=1', 'period=2025-01', 'tenant_id=', 'tenant_id=a&tenant_id=b']) {
    const reply = await node.call('GET', `/api/usage/forecast?${query}`, tenant.key)
    assert.equal(reply.status, 400, query)
  }
  const foreign = await node.call('GET', `/api/usage/forecast?tenant_id=${other.id}`, tenant.key)
  const missing = await node.call('GET', '/api/usage/forecast?tenant_id=nobody', tenant.key)
  assert.deepEqual([foreign.status, missing.status], [404, 404])
  assert.deepEqual(foreign.body.code, missing.body.code)
})
