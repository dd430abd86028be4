import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { catalogFile } from '../../test/api-catalog.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import {
  countedNaively,
  differencesOfRollups,
  type LoggedCall,
  loggedCalls,
  namesNaively,
  percentileNaively,
  usageOf,
} from '../../test/usage-model.ts'
import { compareFiltered, type Filtered, filtered } from '../../test/usage-filters.ts'
import { COUNTED_LISTS, compareValues, properties } from '../../test/usage-properties.ts'
import { loadCatalog } from '../catalog/load-catalog.ts'
import { parseCatalog } from '../catalog/parse-catalog.ts'
import { placeTenants, UsageFolder } from './rollups/folder.ts'

const catalogWith = (properties: readonly string[]) => `
catalog: 1
services: {}
usage_properties: [${properties}]
plans:
  all:
    endpoints: { deny: ["* /denied"] }
    credits: required
    features: { granularity: second, export: true, alerts: true, performance: true, realtime: true, retention_months: null }
`
const file = await catalogFile(catalogWith(COUNTED_LISTS[0]!))
const node = await testNode({ catalogFile: file.path })
const { pool } = node.server
after(async () => {
  await node.stop()
  await file.remove()
})
const service = await node.service('s')

const DAY_MS = 86_400_000
const START = Date.parse('2025-02-20T00:00:00Z')
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns', 'Asia/Kathmandu']
const text = (...values: string[]) => fc.option(fc.constantFrom(...values), { nil: undefined })
const number = (max: number) => fc.option(fc.nat(max), { nil: undefined })

const call = fc.record({
  properties: fc.option(properties(), { nil: undefined }),
  endpoint: fc.constantFrom('/a', '/b', '/denied', `/${'long'.repeat(200)}`),
  method: text('GET', 'POST'),
  // Late by up to so many days; left out: now.
  late: fc.option(fc.integer({ min: 0, max: 12 * DAY_MS }), { nil: undefined }),
  status: text('success', 'failure'),
  region: text('eu', 'us'),
  feature: text('ocr'),
  file_type: text('xlsx', 'XLS', 'pdf', 'docx', 'csv', 'strange'),
  output_format: text('md', 'json', 'html'),
  error_code: text('too_large', 'timeout'),
  file_size_bytes: number(50_000_000),
  processing_time_ms: number(20_000),
  quantity: fc.option(fc.constantFrom(0, 0.5, 1, 7), { nil: undefined }),
})
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      calls: fc.array(call, { minLength: 1, maxLength: 40 }),
      own: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(3 * DAY_MS) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('void' as const), which: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fold' as const),
      lines: fc.constantFrom(1, 3, 7, 1_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fold at once' as const),
      lines: fc.constantFrom(2, 50),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('move' as const), zone: fc.constantFrom(...ZONES) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('count by' as const),
      properties: fc.constantFrom(...COUNTED_LISTS),
      place: fc.boolean(),
    }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
type Tenant = { id: string; key: string; zone: string; now: number }

test('every answer is what the lines of the log say, whatever is folded', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(...ZONES),
    fc.array(step, { minLength: 4, maxLength: 14 }),
    fc.array(filtered, { minLength: 6, maxLength: 6 }),
    async (zone, steps, queries) => {
      const made = await node.tenant({
        plan: 'all',
        time_zone: zone,
        test_clock: new Date(START).toISOString(),
      })
      const credits = { amount: 300, reason: 'test' }
      const grant = await node.admin('POST', `/api/admin/tenants/${made.id}/credits`, credits)
      expectStatus(grant, 201)
      const tenant: Tenant = { ...made, zone, now: START }
      for (const [index, one] of steps.entries()) {
        await take(tenant, one)
        if (index % 3 === 2 || index === steps.length - 1) await compare(tenant, queries)
      }
      assert.deepEqual(await differencesOfRollups(pool), [])
    },
  )
  await fc.assert(property, { numRuns: 10, endOnFailure: true })
})

async function take(tenant: Tenant, one: Step): Promise<void> {
  const path = `/api/admin/tenants/${tenant.id}`
  if (one.do === 'send') {
    const calls = one.calls.map(({ late, ...fields }) => ({
      ...fields,
      ...(late === undefined ? {} : { timestamp: new Date(tenant.now - late).toISOString() }),
    }))
    await send(tenant, one.own ? tenant.key : service.key, calls)
  } else if (one.do === 'wait') {
    tenant.now += one.ms
    const now = new Date(tenant.now).toISOString()
    expectStatus(await node.admin('POST', `${path}/clock`, { now }), 200)
  } else if (one.do === 'void') {
    await voidOne(tenant, one.which)
  } else if (one.do === 'move') {
    tenant.zone = one.zone
    expectStatus(await node.admin('PATCH', path, { time_zone: one.zone }), 200)
    if (one.zone.length % 2 === 0) await placeTenants(pool)
  } else if (one.do === 'count by') {
    await loadCatalog(pool, parseCatalog(catalogWith(one.properties), 'file'))
    await node.server.catalog.refresh()
    if (one.place) await placeTenants(pool)
  } else {
    await placeTenants(pool)
    const folders = one.do === 'fold' ? 1 : 3
    await Promise.all(Array.from({ length: folders }, () => new UsageFolder(pool, one.lines).run()))
  }
}

async function send(tenant: Tenant, key: string, calls: object[]): Promise<void> {
  await sendCalls(node, key, tenant.id, calls).catch((error: Error) => {
    // Some are denied, which is what is wanted.
    assert.match(error.message, /answered with 40[23]/)
  })
}

async function voidOne(tenant: Tenant, which: number): Promise<void> {
  const { rows } = await pool.query<{ event: string }>(
    `SELECT e.seq FROM entry AS e JOIN tenant AS t USING (tenant_no)
     WHERE t.tenant_id = $1 AND e.kind = 3 AND e.reason = 0 ORDER BY e.seq`,
    [tenant.id],
  )
  if (rows.length === 0) return
  const entries = expectStatus(await node.call('GET', '/api/entries?limit=500', tenant.key), 200)
  const open = entries.body.data.filter(
    ({ kind, decision }: { kind: string; decision: string }) =>
      kind === 'call' && decision === 'allowed',
  )
  const chosen = open[which % open.length]
  const path = `/api/events/${chosen.event_id}/void`
  expectStatus(await node.call('POST', path, service.key, { reason: 'test' }), 200)
}

async function compare(tenant: Tenant, queries: readonly Filtered[]): Promise<void> {
  const calls = await loggedCalls(pool, tenant.id)
  await compareHistory(tenant, calls, 'daily')
  await compareHistory(tenant, calls, 'hourly')
  await compareHistory(tenant, calls, 'minute')
  await compareWhole(tenant, calls)
  await compareSeries(tenant, calls)
  await compareProperties(tenant, calls)
  for (const query of queries) await compareFiltered({ node, ...tenant }, calls, query)
}

function day(at: number, zone: string): string {
  return new Temporal.ZonedDateTime(BigInt(at) * 1_000_000n, zone).toPlainDate().toString()
}

function within(calls: readonly LoggedCall[], from: number, to: number): LoggedCall[] {
  return calls.filter(({ at }) => at >= from && at < to)
}

async function compareHistory(tenant: Tenant, calls: LoggedCall[], granularity: string) {
  const last = day(tenant.now, tenant.zone)
  const days = granularity === 'daily' ? 40 : granularity === 'hourly' ? 5 : 0
  const first = Temporal.PlainDate.from(last).subtract({ days }).toString()
  const dates = `start_date=${first}&end_date=${last}&granularity=${granularity}&limit=7`
  let all: LoggedCall[] = []
  let cursor = ''
  let place = Temporal.PlainDate.from(first).toZonedDateTime(tenant.zone)
  for (let pages = 0; pages < 12; pages += 1) {
    const page = await usageOf(node, tenant.key, `history?${dates}${cursor}`)
    for (const entry of page.data) {
      const step = { daily: { days: 1 }, hourly: { hours: 1 }, minute: { minutes: 1 } }[
        granularity
      ]!
      const next = place.add(step)
      const own = within(calls, place.epochMilliseconds, next.epochMilliseconds)
      compareEntry(entry, own, `${granularity} ${place}`)
      place = next
      all = all.concat(own)
    }
    if (page.next_cursor === undefined) {
      const counted = countedNaively(all)
      assert.equal(page.totals.conversions, counted.total)
      assert.equal(page.totals.success_rate, counted.successRate)
      return
    }
    cursor = `&cursor=${page.next_cursor}`
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a reply is whatever the server says.
function compareEntry(entry: any, own: LoggedCall[], what: string): void {
  const { total, successful, failed, averageMs, averageKb, times } = countedNaively(own)
  const byType = namesNaively(own, ({ values }) => values.conversion?.toLowerCase() ?? null)
  const found = { total, successful, failed, by_type: byType }
  assert.deepEqual(entry.conversions, found, what)
  assert.equal(entry.performance.average_processing_time_ms, averageMs, what)
  assert.equal(entry.performance.average_file_size_kb, averageKb, what)
  assertNear(entry.performance.p95_processing_time_ms, percentileNaively(times, 0.95))
}

async function compareWhole(tenant: Tenant, calls: LoggedCall[]): Promise<void> {
  const month = day(tenant.now, tenant.zone).slice(0, 7)
  const own = calls.filter(({ at }) => day(at, tenant.zone).startsWith(month))
  const counted = countedNaively(own)
  const { breakdown } = await usageOf(node, tenant.key, 'breakdown')
  const outputs = namesNaively(own, ({ values }) =>
    values.output_format === 'md' ? 'markdown' : (values.output_format ?? null),
  )
  assert.deepEqual(breakdown.by_output, outputs)
  const families = namesNaively(own, ({ values }) => familyNaively(values.file_type ?? null))
  const byFormat: Record<string, { conversions: number }> = breakdown.by_format
  const shown = Object.entries(byFormat).map(([name, { conversions }]) => [name, conversions])
  assert.deepEqual(Object.fromEntries(shown), families)
  const { performance } = await usageOf(node, tenant.key, `performance?period=${month}`)
  assert.deepEqual(performance.success_metrics, {
    total_attempts: counted.total,
    successful: counted.successful,
    failed: counted.failed,
    success_rate: counted.successRate,
  })
  const errors = namesNaively(own, ({ values }) => values.error_code ?? null)
  assert.deepEqual(performance.error_breakdown, errors)
  const { processing_times, file_sizes } = performance
  assert.equal(processing_times.average_ms, counted.averageMs)
  assertNear(processing_times.median_ms, percentileNaively(counted.times, 0.5))
  assertNear(processing_times.p99_ms, percentileNaively(counted.times, 0.99))
  const median = percentileNaively(counted.sizes, 0.5)
  assertNear(file_sizes.median_kb, median === null ? null : median / 1_024)
  const largest = counted.largest === null ? null : Number((counted.largest / 1_048_576).toFixed(1))
  assert.equal(file_sizes.largest_mb, largest)
  await compareCurrent(tenant, calls)
  await compareSenders(tenant, own)
}

async function compareCurrent(tenant: Tenant, calls: LoggedCall[]): Promise<void> {
  const current = await usageOf(node, tenant.key, 'current')
  const today = day(tenant.now, tenant.zone)
  const ofDay = countedNaively(calls.filter(({ at }) => day(at, tenant.zone) === today))
  assert.equal(current.today.conversions, ofDay.total)
  assert.equal(current.today.success_rate, ofDay.successRate)
  const { last_conversion: last } = current.today
  assert.equal(last === null ? null : Date.parse(last), ofDay.lastAt)
  const ofHour = countedNaively(within(calls, tenant.now - 3_600_000, tenant.now + 1))
  assert.equal(current.last_hour.conversions, ofHour.total)
  assert.equal(current.last_hour.average_processing_time_ms, ofHour.averageMs)
}

async function compareSenders(tenant: Tenant, own: LoggedCall[]): Promise<void> {
  const { data } = await usageOf(node, tenant.key, 'keys')
  const senders = new Set(own.map(({ values }) => values.key ?? null))
  for (const row of data) {
    const counted = countedNaively(own.filter(({ values }) => values.key === row.key_id))
    assert.equal(row.conversions.total, counted.total)
    assert.equal(row.denied, counted.denied)
    assert.equal(row.units, counted.units)
    assert.equal(row.credits, counted.credits)
  }
  const all = data.reduce(
    (sum: number, row: { conversions: { total: number } }) => sum + row.conversions.total,
    0,
  )
  assert.equal(all, countedNaively(own).total)
  assert.ok(data.length <= senders.size)
  const teams = await usageOf(node, tenant.key, 'teams')
  assert.equal(teams.data[0]?.conversions.total ?? 0, countedNaively(own).total)
}

const DIMENSIONS = ['service', 'endpoint', 'method', 'status', 'error_code', 'region', 'feature']

async function compareSeries(tenant: Tenant, calls: LoggedCall[]): Promise<void> {
  const last = day(tenant.now, tenant.zone)
  const first = Temporal.PlainDate.from(last).subtract({ days: 20 })
  const from = first.toZonedDateTime(tenant.zone).epochMilliseconds
  const own = calls.filter(({ at }) => at >= from)
  for (const dimension of DIMENSIONS) {
    const query = `start_date=${first}&end_date=${last}&granularity=weekly&group_by=${dimension}`
    const { series } = await usageOf(node, tenant.key, `timeseries?${query}`)
    const values = new Set(own.flatMap(({ values }) => values[dimension] ?? []))
    for (const { value, data } of series) {
      const counted = countedNaively(own.filter(({ values }) => values[dimension] === value))
      const sum = (of: string) =>
        data.reduce((all: number, point: Record<string, number>) => all + point[of]!, 0)
      for (const name of ['total', 'failed', 'denied', 'units', 'credits', 'bytes'] as const) {
        assert.ok(Math.abs(sum(name) - counted[name]) < 1e-6, `${dimension} ${value} ${name}`)
      }
      values.delete(value)
    }
    for (const value of values) {
      const counted = countedNaively(own.filter(({ values }) => values[dimension] === value))
      assert.equal(counted.total + counted.denied, 0, `${dimension} ${value} is missing`)
    }
  }
}

/** By hour from hours, by week from days, by minute from the log. */
async function compareProperties(tenant: Tenant, calls: LoggedCall[]): Promise<void> {
  const last = day(tenant.now, tenant.zone)
  const first = Temporal.PlainDate.from(last).subtract({ days: 12 }).toString()
  for (const name of node.server.catalog.usage.properties) {
    for (const [granularity, from] of [
      ['weekly', first],
      ['hourly', first],
      ['minute', last],
    ] as const) {
      const start = Temporal.PlainDate.from(from).toZonedDateTime(tenant.zone).epochMilliseconds
      const own = Map.groupBy(
        calls.filter(({ at, properties }) => at >= start && Object.hasOwn(properties, name)),
        ({ properties }) => properties[name]!,
      )
      const range = `start_date=${from}&end_date=${last}&granularity=${granularity}`
      const query = `timeseries?${range}&group_by=property&property=${name}&series=13`
      const { series } = await usageOf(node, tenant.key, query)
      compareValues(series, own, `${name} ${granularity}`)
      const one = [...own.keys()].find((each) => each !== '' && !each.includes(','))
      if (one === undefined) continue
      const filtered = await usageOf(node, tenant.key, `${query}&values=${encodeURIComponent(one)}`)
      compareValues(filtered.series, new Map([[one, own.get(one)!]]), `${name} is ${one}`)
    }
  }
}

function familyNaively(format: string | null): string | null {
  const families: Record<string, string> = { xlsx: 'excel', xls: 'excel', docx: 'word' }
  const lower = format?.toLowerCase() ?? null
  return lower === null ? null : (families[lower] ?? lower)
}

/** Within 1 %, and what rounding to a whole number adds. */
function assertNear(actual: number | null, expected: number | null): void {
  if (actual === null || expected === null) {
    assert.equal(actual, expected)
    return
  }
  assert.ok(Math.abs(actual - expected) <= expected * 0.01 + 0.5, `${actual} is not ${expected}`)
}
