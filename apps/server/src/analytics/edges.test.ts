import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { checkReply } from '../../test/api-contract.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'
import { encodeCursor } from '../lib/cursor.ts'

const clock = handClock('2025-03-01T00:00:00Z')
const node = await testNode({ clock })
after(() => node.stop())
const tenant = await node.tenant({ plan: 'enterprise' })

async function read(what: string, key = tenant.key) {
  const path = `/api/usage/${what}`
  const reply = await node.call('GET', path, key)
  checkReply('GET', path, reply)
  return reply
}

/** What cannot be meant, and the field that is to be named. */
const WRONG: [what: string, field: string][] = [
  ['history?period=yesterday', 'period'],
  ['history?period=', 'period'],
  ['history?period=2025-13', 'period'],
  ['history?period=1999-01', 'period'],
  ['history?period=2025-01&period=2025-02', 'period'],
  ['history?period=2025-01&start_date=2025-01-01&end_date=2025-01-02', 'period'],
  ['history?start_date=2025-01-01', 'end_date'],
  ['history?end_date=2025-01-01', 'start_date'],
  ['history?start_date=2025-02-30&end_date=2025-03-01', 'start_date'],
  ['history?start_date=2025-1-1&end_date=2025-03-01', 'start_date'],
  ['history?start_date=0000-01-01&end_date=2025-03-01', 'start_date'],
  ['history?start_date=2025-01-01&end_date=9999-12-31', 'end_date'],
  ['history?start_date=2025-01-02&end_date=2025-01-01', 'end_date'],
  ['history?start_date=2025-01-01T00:00:00Z&end_date=2025-01-02', 'start_date'],
  ['history?start_date=2025-01-01T10:00:00&end_date=2025-01-02', 'start_date'],
  ['history?granularity=yearly', 'granularity'],
  ['history?granularity=DAILY', 'granularity'],
  ['history?granularity=second&period=2025-01', 'granularity'],
  ['history?granularity=minute&period=2025-01', 'granularity'],
  ['history?granularity=hourly&start_date=2000-01-01&end_date=2099-12-31', 'granularity'],
  ['history?granularity=daily&start_date=2000-01-01&end_date=2099-12-31', 'granularity'],
  ['history?limit=0', 'limit'],
  ['history?limit=501', 'limit'],
  ['history?limit=ten', 'limit'],
  ['history?cursor=x', 'cursor'],
  ['history?format=csv', 'format'],
  ['timeseries?group_by=tenant', 'group_by'],
  ['timeseries?values=eu', 'values'],
  ['timeseries?series=51', 'series'],
  [
    'timeseries?group_by=region&series=50&granularity=hourly&start_date=2025-01-01&end_date=2025-03-01',
    'series',
  ],
  ['breakdown?granularity=daily', 'granularity'],
  ['performance?period=last_8_days', 'period'],
]

for (const [what, field] of WRONG) {
  test(`${what} is refused, and ${field} is named`, async () => {
    const { status, body } = await read(what)
    assert.equal(status, 400, JSON.stringify(body))
    const named = body.errors.map((error: { field: string }) => error.field)
    assert.ok(named.includes(field), JSON.stringify(body))
  })
}

const EVERYTHING = [
  'summary',
  'history',
  'history?granularity=hourly&period=last_7_days',
  'history?granularity=minute&start_date=2025-02-28&end_date=2025-03-01',
  'current',
  'breakdown',
  'performance',
  'keys',
  'teams',
  'timeseries',
  'timeseries?group_by=region',
]

test('who has no calls is told so in numbers, or null where there is none', async () => {
  for (const what of EVERYTHING) {
    const text = JSON.stringify(expectStatus(await read(what), 200).body)
    assert.doesNotMatch(text, /NaN|Infinity|"[\d.]+"/, text)
  }
  const { body } = await read('performance')
  assert.deepEqual(body.performance, {
    processing_times: { average_ms: null, median_ms: null, p95_ms: null, p99_ms: null },
    file_sizes: { average_kb: null, median_kb: null, largest_mb: null },
    success_metrics: { total_attempts: 0, successful: 0, failed: 0, success_rate: null },
    error_breakdown: {},
  })
  const history = await read('history')
  assert.equal(history.body.data.length, 31)
  assert.deepEqual(history.body.totals, { conversions: 0, success_rate: null, average_daily: 0 })
})

test('in the first second of a period a day has begun', async () => {
  expectStatus(await node.call('POST', '/api/track', tenant.key, { endpoint: '/x' }), 200)
  const { body } = await read('history')
  assert.equal(body.totals.average_daily, 1)
  const current = (await read('current')).body
  assert.equal(current.today.conversions, 1)
  assert.equal(current.today.last_conversion, '2025-03-01T00:00:00Z')
  assert.deepEqual(current.quota_status, {
    percentage_used: null,
    alert_threshold: 80,
    alert_active: false,
  })
})

test('what was denied is in no number but its own', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  const denied = { endpoint: '/x', file_type: 'pdf', output_format: 'md', file_size_bytes: 1 }
  assert.equal((await node.call('POST', '/api/track', key, denied)).status, 402)
  assert.equal((await read('history', key)).body.totals.conversions, 0)
  assert.deepEqual((await read('breakdown', key)).body.breakdown, { by_format: {}, by_output: {} })
  const { data } = (await read('keys', key)).body
  assert.deepEqual([data.length, data[0].denied, data[0].conversions.total], [1, 1, 0])
  const series = (await read('timeseries?group_by=status', key)).body.series
  assert.deepEqual(
    series.map(({ value, total }: { value: string; total: number }) => [value, total]),
    [['denied', 0]],
  )
  assert.ok(id)
})

test('names that mean something to a program are names like others', async () => {
  const { key } = await node.tenant({ plan: 'enterprise' })
  for (const name of ['__proto__', 'constructor', '1', '(other)']) {
    const call = { endpoint: '/x', file_type: name, output_format: name }
    expectStatus(await node.call('POST', '/api/track', key, call), 200)
  }
  const reply = await node.call('GET', '/api/usage/breakdown', key)
  assert.equal(Object.keys(reply.body.breakdown.by_output).length, 4)
})

test('weeks begin on Monday, months are named, and both are cut where the range is', async () => {
  const dates = async (granularity: string) => {
    const range = 'start_date=2025-01-29&end_date=2025-02-12'
    const { body } = await read(`history?granularity=${granularity}&${range}`)
    return body.data.map(({ date }: { date: string }) => date)
  }
  assert.deepEqual(await dates('weekly'), ['2025-01-29', '2025-02-03', '2025-02-10'])
  assert.deepEqual(await dates('monthly'), ['2025-01', '2025-02'])
})

test('behind the last date there is nothing, by whatever it is cut, and the totals stay', async () => {
  for (const granularity of ['daily', 'hourly', 'minute']) {
    const range = 'start_date=2025-03-01&end_date=2025-03-01'
    const cursor = encodeCursor(Date.parse('2030-01-01T00:00:00Z'))
    const query = `history?granularity=${granularity}&${range}&cursor=${cursor}`
    const { body } = expectStatus(await read(query), 200)
    assert.deepEqual([body.data, body.next_cursor], [[], undefined])
    assert.equal(body.totals.conversions, 1)
  }
})

test('a day on which clocks change has 23 or 25 hours, and each is its own', async () => {
  const { key } = await node.tenant({ plan: 'enterprise', time_zone: 'Europe/Berlin' })
  const hours = async (day: string) => {
    const query = `history?granularity=hourly&start_date=${day}&end_date=${day}`
    return (await read(query, key)).body.data.map(({ date }: { date: string }) => date)
  }
  assert.equal((await hours('2025-03-30')).length, 23)
  const longest = await hours('2025-10-26')
  assert.equal(longest.length, 25)
  assert.equal(new Set(longest).size, 25)
})
