import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectStatus, testNode } from '../../../test/node.ts'
import { parseExact } from '../../lib/money.ts'

const node = await testNode()
after(() => node.stop())

type Tenant = { id: string; key: string }

async function moveTo({ id }: Tenant, now: string): Promise<string[]> {
  const reply = await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now })
  return expectStatus(reply, 200).body.invoices
}

async function change({ id }: Tenant, body: object): Promise<void> {
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, body), 200)
}

/** Oldest first: from when to when, and how much. */
async function billed({ key }: Tenant): Promise<[string, string, string][]> {
  const path = '/api/billing/invoices?limit=100'
  const { data } = expectStatus(await node.call('GET', path, key), 200).body
  return data
    .map(({ period, total }: { period: { start: string; end: string }; total: string }) => {
      return [period.start, period.end, total]
    })
    .reverse()
}

const days = (all: [string, string, string][]) =>
  all.map(([start, end]) => `${start.slice(0, 10)}..${end.slice(0, 10)}`)

for (const [anchor, months] of [
  [
    '2024-01-29T23:59:59Z',
    ['2024-01-29..2024-02-28', '2024-02-29..2024-03-28', '2024-03-29..2024-04-28'],
  ],
  [
    '2025-01-29T10:00:00Z',
    ['2025-01-29..2025-02-27', '2025-02-28..2025-03-28', '2025-03-29..2025-04-28'],
  ],
  [
    '2024-01-30T10:00:00Z',
    ['2024-01-30..2024-02-28', '2024-02-29..2024-03-29', '2024-03-30..2024-04-29'],
  ],
  [
    '2024-01-31T10:00:00Z',
    ['2024-01-31..2024-02-28', '2024-02-29..2024-03-30', '2024-03-31..2024-04-29'],
  ],
  [
    '2024-02-29T00:00:00Z',
    ['2024-02-29..2024-03-28', '2024-03-29..2024-04-28', '2024-04-29..2024-05-28'],
  ],
  [
    '2023-12-31T00:00:00Z',
    ['2023-12-31..2024-01-30', '2024-01-31..2024-02-28', '2024-02-29..2024-03-30'],
  ],
] as const) {
  test(`who began on ${anchor.slice(0, 10)} is billed without a day left out or billed twice`, async () => {
    const tenant = await node.tenant({ plan: 'team', test_clock: anchor })
    const end = new Date(Date.parse(anchor) + 366 * 86_400_000).toISOString()
    await moveTo(tenant, end)
    const all = await billed(tenant)
    assert.deepEqual(days(all).slice(0, 3), months)
    assert.ok(all.length === 12, String(all.length))
    for (const [index, [start, , total]] of all.entries()) {
      assert.equal(total, '10.00')
      const before = all[index - 1]
      if (before) assert.equal(Date.parse(start), Date.parse(before[1]) + 1_000)
    }
  })
}

test('months begin at midnight of the tenant, also where its clocks are changed', async () => {
  const tenant = await node.tenant({
    plan: 'team',
    time_zone: 'America/New_York',
    test_clock: '2025-02-09T12:00:00Z',
  })
  await moveTo(tenant, '2025-12-31T00:00:00Z')
  const starts = (await billed(tenant)).map(([start]) => start)
  assert.deepEqual(starts.slice(0, 3), [
    '2025-02-09T05:00:00Z',
    // On this day they are set forward at two, so it begins an hour earlier than it ends.
    '2025-03-09T05:00:00Z',
    '2025-04-09T04:00:00Z',
  ])
  assert.equal(starts.at(-1), '2025-11-09T05:00:00Z')
})

test('a day of 23 hours is an hour less of its plan, to the millisecond', async () => {
  const tenant = await node.tenant({
    plan: 'team',
    time_zone: 'Europe/Berlin',
    test_clock: '2025-03-01T00:00:00Z',
  })
  // March has 743 hours there; up to the 31st at midnight 719 have passed.
  await moveTo(tenant, '2025-03-30T22:00:00Z')
  await change(tenant, { plan: 'pro' })
  await moveTo(tenant, '2025-04-01T00:00:00Z')
  const [[, , total] = []] = await billed(tenant)
  assert.equal(total, parseExact('10').mul(719).div(743).toFixed(2))
})

test('another zone in the middle holds from the next period on, and nothing is left out or billed twice', async () => {
  const tenant = await node.tenant({ plan: 'team', test_clock: '2025-01-15T00:00:00Z' })
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  await change(tenant, { time_zone: 'America/New_York' })
  await moveTo(tenant, '2025-06-01T00:00:00Z')
  const all = await billed(tenant)
  for (const [index, [start]] of all.entries()) {
    const before = all[index - 1]
    if (before) assert.equal(Date.parse(start), Date.parse(before[1]) + 1_000)
  }
  // In New York it was still the 14th when the subscription began.
  assert.deepEqual(
    all.slice(0, 2).map(([start, end]) => [start, end]),
    [
      ['2025-01-15T00:00:00Z', '2025-02-14T23:59:59Z'],
      ['2025-02-15T00:00:00Z', '2025-03-14T03:59:59Z'],
    ],
  )
  for (const [, , total] of all) assert.equal(total, '10.00')
})

test('whoever moves between zones around every end of a period owes twelve fees a year', async () => {
  const tenant = await node.tenant({ plan: 'team', test_clock: '2025-01-01T12:00:00Z' })
  for (let month = 1; month < 12; month += 1) {
    const first = Date.UTC(2025, month, 1)
    for (const [hours, time_zone] of [
      [-30, 'Pacific/Kiritimati'],
      [-13, 'Etc/GMT+12'],
      [-1, 'Asia/Kathmandu'],
      [0, 'America/New_York'],
      [4, 'Pacific/Kiritimati'],
      [11, 'Etc/GMT+12'],
      [26, 'UTC'],
    ] as const) {
      await moveTo(tenant, new Date(first + hours * 3_600_000).toISOString())
      await change(tenant, { time_zone })
    }
  }
  await moveTo(tenant, '2026-01-03T00:00:00Z')
  const all = await billed(tenant)
  assert.deepEqual(
    all.map(([, , total]) => total),
    Array.from({ length: 12 }, () => '10.00'),
  )
  for (const [index, [start]] of all.entries()) {
    const before = all[index - 1]
    if (before) assert.equal(Date.parse(start), Date.parse(before[1]) + 1_000)
  }
})

test('calls are billed by the plan that decided them, also in the instant in which it changed', async () => {
  for (const looksBetween of [false, true]) {
    const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-01T00:00:00Z' })
    const call = async () =>
      expectStatus(
        await node.admin('POST', '/api/track', { tenant_id: tenant.id, endpoint: '/x' }),
        200,
      )
    await call()
    await call()
    if (looksBetween) expectStatus(await node.call('GET', '/api/billing/upcoming', tenant.key), 200)
    await change(tenant, { plan: 'team' })
    await call()
    await moveTo(tenant, '2025-02-01T00:00:00Z')
    const path = '/api/billing/invoices'
    const [invoice] = expectStatus(await node.call('GET', path, tenant.key), 200).body.data
    const lines = invoice.lines.map(({ plan, quantity, amount }: Record<string, unknown>) => {
      return [plan, quantity, amount]
    })
    assert.deepEqual(lines, [
      ['pro', 2, '0.20'],
      ['team', 1, '10.00'],
      ['team', 1, '0.00'],
    ])
  }
})
