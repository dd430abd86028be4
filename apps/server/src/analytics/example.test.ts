import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { expectStatus, testNode } from '../../test/node.ts'
import { exampleJanuary, exampleWeek, sendCalls } from '../../test/usage-example.ts'
import { placeTenants, UsageFolder } from './rollups/folder.ts'

const EXAMPLE = '../../../../catalogs/example-usage-api-prd.yaml'
const catalogFile = fileURLToPath(new URL(EXAMPLE, import.meta.url))
const node = await testNode({ catalogFile })
after(() => node.stop())
const service = await node.service('convert-to-markdown')

async function tenantAt(now: string, calls: object[]) {
  const tenant = await node.tenant({ plan: 'pro', test_clock: '2025-01-01T00:00:00Z' })
  const path = `/api/admin/tenants/${tenant.id}/clock`
  expectStatus(await node.admin('POST', path, { now }), 200)
  await sendCalls(node, service.key, tenant.id, calls)
  const get = async (what: string) =>
    expectStatus(await node.call('GET', `/api/usage/${what}`, tenant.key), 200).body
  return { ...tenant, get }
}

const january = await tenantAt('2025-01-31T23:59:59Z', exampleJanuary())
const week = await tenantAt('2025-01-24T14:32:18Z', exampleWeek())

async function fold() {
  await placeTenants(node.server.pool)
  const folder = new UsageFolder(node.server.pool, 1_500)
  for (;;) {
    await folder.run()
    const { rows } = await node.server.pool.query(
      `SELECT FROM account AS a LEFT JOIN usage_position AS p ON p.tenant_no = a.tenant_no
       WHERE a.last_seq > coalesce(p.folded_seq, 0)`,
    )
    if (rows.length === 0) return
  }
}

for (const when of ['before it is folded', 'once it is folded']) {
  test(`January is as in the examples of the Usage API, ${when}`, async () => {
    if (when === 'once it is folded') await fold()
    assert.deepEqual(await january.get('summary'), {
      period: { start: '2025-01-01T00:00:00Z', end: '2025-01-31T23:59:59Z', timezone: 'UTC' },
      subscription: {
        plan: 'pro',
        status: 'active',
        renewed_at: '2025-01-01T00:00:00Z',
        expires_at: '2025-02-01T00:00:00Z',
      },
      usage: {
        conversions: { used: 3_847, limit: 10_000, percentage: 38.47, remaining: 6_153 },
        storage: { bytes_processed: 487_293_847, mb_processed: 464.7, largest_file_mb: 47.3 },
      },
      current_rate: { daily_average: 124, projected_monthly: 3_720, days_until_limit: 49 },
    })
    const breakdown = await january.get('breakdown?period=current_month')
    const BREAKDOWN =
      '{"period":"2025-01","breakdown":{"by_format":{"excel":{"conversions":1923,"percentage":50,' +
      '"subtypes":{"xlsx":1654,"xls":198,"xlsm":71}},"pdf":{"conversions":1154,"percentage":30},' +
      '"word":{"conversions":770,"percentage":20,"subtypes":{"docx":698,"dotx":45,"dotm":27}}},' +
      '"by_output":{"json":1654,"markdown":1539,"html":654}}}'
    assert.equal(JSON.stringify(breakdown), BREAKDOWN)
    const dates = 'start_date=2025-01-01&end_date=2025-01-31&granularity=daily'
    const history = await january.get(`history?${dates}`)
    assert.deepEqual(history.period, {
      start: '2025-01-01',
      end: '2025-01-31',
      granularity: 'daily',
    })
    assert.deepEqual(history.totals, {
      conversions: 3_847,
      success_rate: 97.3,
      average_daily: 124,
    })
    assert.equal(history.data.length, 31)
    assert.deepEqual(Object.keys(history), ['period', 'data', 'totals'])
    const { performance, ...day } = history.data[22]
    assert.equal(
      JSON.stringify(day),
      '{"date":"2025-01-23","conversions":{"total":156,"successful":152,"failed":4,"by_type":' +
        '{"xlsx-to-json":67,"pdf-to-md":45,"docx-to-html":23,"docx-to-md":21}}}',
    )
    assert.equal(performance.average_processing_time_ms, 1_832)
    assert.equal(performance.average_file_size_kb, 823)
    assertWithin(performance.p95_processing_time_ms, 3_421)
  })

  test(`the last days are as in the examples, ${when}`, async () => {
    assert.deepEqual(await week.get('current'), {
      timestamp: '2025-01-24T14:32:18Z',
      today: {
        conversions: 87,
        last_conversion: '2025-01-24T14:28:33Z',
        success_rate: 98.8,
      },
      last_hour: { conversions: 12, average_processing_time_ms: 1_523 },
      quota_status: { percentage_used: 8.72, alert_threshold: 80, alert_active: false },
    })
    const performance = await week.get('performance?period=last_7_days')
    assert.deepEqual(performance.period, { start: '2025-01-17', end: '2025-01-24' })
    const { processing_times, file_sizes, ...rest } = performance.performance
    assert.deepEqual(rest, {
      success_metrics: { total_attempts: 872, successful: 847, failed: 25, success_rate: 97.1 },
      error_breakdown: { file_too_large: 12, invalid_format: 8, processing_timeout: 5 },
    })
    assert.equal(processing_times.average_ms, 1_523)
    for (const name of ['median_ms', 'p95_ms', 'p99_ms']) {
      assertWithin(processing_times[name], 1_523)
    }
    assert.equal(file_sizes.largest_mb, 47.8)
    assertWithin(file_sizes.median_kb, 456)
  })
}

/** Within 1 %, and what rounding to a whole number adds. */
function assertWithin(actual: number, expected: number) {
  const off = Math.abs(actual - expected)
  assert.ok(off <= expected * 0.01 + 0.5, `${actual} is not within 1 % of ${expected}`)
}
