import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { differencesOfRollups } from '../../../test/usage-model.ts'
import {
  USAGE_FOLD_LINES_PER_STATEMENT,
  USAGE_FOLD_STATEMENT_MS,
  USAGE_VALUES_PER_HOUR_MAX,
} from '../../limits.ts'
import { linesAfter, placeTenants, UsageFolder } from './folder.ts'
import { hourZoneOf } from './hour-zone.ts'
import { rebuildRollups } from './rebuild.ts'

const node = await testNode()
const { pool } = node.server
after(() => node.stop())
const service = await node.service('s')

async function foldAll(linesMax = 100): Promise<void> {
  await placeTenants(pool)
  const folder = new UsageFolder(pool, linesMax)
  // The node folds by itself, too: who finds it at work has nothing to do.
  for (;;) {
    await folder.run()
    if ((await behind()).length === 0) return
  }
}

async function behind(): Promise<unknown[]> {
  const { rows } = await pool.query(
    `SELECT FROM account AS a LEFT JOIN usage_position AS p ON p.tenant_no = a.tenant_no
     WHERE a.last_seq > coalesce(p.folded_seq, 0)
     UNION ALL SELECT FROM usage_position WHERE NOT live`,
  )
  return rows
}

async function hours(tenantId: string, dimension: number) {
  const { rows } = await pool.query<{
    hour: number
    value: string
    calls: bigint
    denied: bigint
    units: string
    bytes: string
  }>(
    `SELECT h.* FROM usage_hour AS h JOIN tenant AS t USING (tenant_no)
     WHERE t.tenant_id = $1 AND dimension = $2 ORDER BY hour, value`,
    [tenantId, dimension],
  )
  return rows
}

test('many tenants are folded, however few lines a statement takes, each line once', async () => {
  const tenants = await Promise.all(Array.from({ length: 5 }, () => node.tenant()))
  for (const [index, { id }] of tenants.entries()) {
    await sendCalls(node, service.key, id, Array(index * 7 + 1).fill({}))
  }
  await foldAll(3)
  for (const [index, { id }] of tenants.entries()) {
    const [total, ...others] = await hours(id, 0)
    // An hour may have ended in between.
    const all = others.reduce((sum, row) => sum + row.calls, total!.calls)
    assert.equal(Number(all), index * 7 + 1)
  }
})

test('folders at once count nothing twice', async () => {
  const { id } = await node.tenant({ test_clock: '2025-03-01T00:00:00Z' })
  await placeTenants(pool)
  await sendCalls(node, service.key, id, Array(500).fill({}))
  const folders = Array.from({ length: 4 }, () => new UsageFolder(pool, 30))
  await Promise.all(folders.map((folder) => folder.run()))
  await foldAll()
  const [total] = await hours(id, 0)
  assert.equal(total!.calls, 500n)
})

test('a call belongs to the hour in which it happened, in the zone of its tenant', async () => {
  const zone = { time_zone: 'Asia/Kolkata', test_clock: '2025-03-01T00:00:00Z' }
  const { id } = await node.tenant(zone)
  await sendCalls(node, service.key, id, [
    { timestamp: '2025-02-28T10:29:59.999Z' },
    { timestamp: '2025-02-28T10:30:00Z' },
    // Its clock is fast: it happened when it was recorded.
    { timestamp: '2025-03-01T05:00:00Z' },
  ])
  await foldAll()
  const found = (await hours(id, 0)).map(({ hour }) => new Date(hour).toISOString())
  assert.deepEqual(found, [
    '2025-02-28T09:30:00.000Z',
    '2025-02-28T10:30:00.000Z',
    '2025-02-28T23:30:00.000Z',
  ])
})

test('an hour has a bounded number of values, and what is beyond is counted together', async () => {
  const { id } = await node.tenant({ test_clock: '2025-03-01T00:00:00Z' })
  const beyond = 30
  const all = Array.from({ length: USAGE_VALUES_PER_HOUR_MAX + beyond }, (_, index) => index)
  await sendCalls(
    node,
    service.key,
    id,
    all.map((index) => ({ endpoint: `/notes/${index}` })),
  )
  await foldAll(70)
  await sendCalls(
    node,
    service.key,
    id,
    all.map((index) => ({ endpoint: `/more/${index}` })),
  )
  await foldAll(50)
  const endpoints = await hours(id, 2)
  assert.ok(endpoints.length <= USAGE_VALUES_PER_HOUR_MAX + 1)
  const calls = endpoints.reduce((sum, row) => sum + Number(row.calls), 0)
  assert.equal(calls, 2 * all.length)
  assert.ok(endpoints.some(({ value }) => value === '(other)'))
})

test('what would overflow a number or an index does not stop the fold', async () => {
  const { id } = await node.tenant({ test_clock: '2025-03-01T00:00:00Z' })
  const endpoint = `/${[...'\u{1f600}\u{2764}x'].join('').repeat(256)}`
  const huge = { endpoint, file_size_bytes: 1e12, processing_time_ms: 1e12, quantity: 1e9 }
  await sendCalls(node, service.key, id, Array(3).fill(huge))
  await foldAll()
  const [total] = await hours(id, 0)
  assert.equal(total!.bytes, '3000000000000')
  assert.equal(total!.units, '3000000000000000')
})

test('who moves to a zone with other hours has its rollups made again, and keeps its numbers', async () => {
  const { id, key } = await node.tenant({ test_clock: '2025-03-01T12:00:00Z' })
  await sendCalls(node, service.key, id, [
    { timestamp: '2025-03-01T09:10:00Z' },
    { timestamp: '2025-03-01T09:40:00Z' },
  ])
  await foldAll()
  const path = `/api/admin/tenants/${id}`
  const zone = { time_zone: 'Asia/Kathmandu' }
  expectStatus(await node.admin('PATCH', path, zone), 200)
  const read = async () => {
    const history = '/api/usage/history?period=2025-03&granularity=hourly&limit=24'
    const { data } = expectStatus(await node.call('GET', history, key), 200).body
    const used = data.filter(
      ({ conversions }: { conversions: { total: number } }) => conversions.total > 0,
    )
    return used.map(({ date }: { date: string }) => date)
  }
  const expected = ['2025-03-01T14:00:00+05:45', '2025-03-01T15:00:00+05:45']
  assert.deepEqual(await read(), expected)
  await foldAll()
  assert.deepEqual(await read(), expected)
  const found = (await hours(id, 0)).map(({ hour }) => new Date(hour).toISOString())
  assert.deepEqual(found, ['2025-03-01T08:15:00.000Z', '2025-03-01T09:15:00.000Z'])
})

test('zones with whole hours share theirs', () => {
  for (const zone of ['UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland']) {
    assert.equal(hourZoneOf(zone), 'UTC', zone)
  }
  // Some had other offsets at a time: Caracas until 2016, Pyongyang until 2018.
  for (const zone of ['Asia/Kolkata', 'Australia/Lord_Howe', 'America/Caracas', 'Asia/Pyongyang']) {
    assert.equal(hourZoneOf(zone), zone)
  }
})

test('statements follow how long they take, within their bounds, whatever they were asked', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 }),
      (linesMax, times) => {
        let lines = linesMax
        for (const tookMs of times) {
          const before = lines
          lines = linesAfter(lines, tookMs, linesMax)
          assert.ok(lines >= 1 && lines <= linesMax, `${lines} of ${linesMax}`)
          if (tookMs > USAGE_FOLD_STATEMENT_MS) assert.ok(lines <= before)
          else assert.ok(lines >= before)
        }
      },
    ),
  )
})

test('a statement that the database cuts off is tried with fewer lines, and all is folded in the end', async () => {
  const { query } = pool
  const asked: number[] = []
  // As if it took too long for so many lines.
  pool.query = ((config: { name?: string; values?: number[] }, ...more: never[]) => {
    if (config.name === 'fold_usage') {
      asked.push(config.values![0]!)
      if (config.values![0]! > 400) {
        return Promise.reject(Object.assign(new Error('statement timeout'), { code: '57014' }))
      }
    }
    return (query as (...args: unknown[]) => unknown).call(pool, config, ...more)
  }) as typeof query
  try {
    await rebuildRollups(pool, () => undefined)
  } finally {
    pool.query = query
  }
  assert.ok(asked.includes(USAGE_FOLD_LINES_PER_STATEMENT), `${asked}`)
  assert.ok(
    asked.some((lines) => lines <= 400),
    `${asked}`,
  )
  assert.deepEqual(await differencesOfRollups(pool), [])
})
