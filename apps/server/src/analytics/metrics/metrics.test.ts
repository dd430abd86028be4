import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { send } from '../../../test/api-request.ts'
import { type Parsed, parseExposition, valuesOf } from '../../../test/exposition.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { differencesOfRollups } from '../../../test/usage-model.ts'
import { USAGE_COUNTERS_MAX } from '../../limits.ts'
import { placeTenants, UsageFolder } from '../rollups/folder.ts'
import { rebuildRollups } from '../rollups/rebuild.ts'

const node = await testNode()
const { pool } = node.server
after(() => node.stop())
const service = await node.service('s')

async function scrape(key: string, accept?: string): Promise<Parsed> {
  const headers: Record<string, string> = accept === undefined ? {} : { accept }
  const sent = { method: 'GET', path: '/api/usage/metrics', headers }
  const reply = expectStatus(await send(node.url, key, sent), 200)
  return parseExposition(reply.body, accept === undefined ? 'text' : 'openmetrics')
}

async function fold(lines: number): Promise<void> {
  await placeTenants(pool)
  await new UsageFolder(pool, lines).run()
}

const COUNTS = /_(total|bucket|sum|count)$/

function assertGrown(before: Parsed, now: Parsed): void {
  const later = valuesOf(now)
  for (const [id, value] of valuesOf(before)) {
    if (!COUNTS.test(JSON.parse(id)[0])) continue
    assert.ok((later.get(id) ?? -1) >= value, `${id} was ${value} and is ${later.get(id)}`)
  }
}

function assertHistogram({ samples }: Parsed): void {
  const buckets = samples.filter(({ name }) => name === 'tollgate_processing_seconds_bucket')
  const bounds = buckets.map(({ labels }) => Number(labels.le!.replace('+Inf', 'Infinity')))
  assert.deepEqual(
    bounds,
    [...bounds].sort((a, b) => a - b),
  )
  assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY)
  const counts = buckets.map(({ value }) => value)
  assert.deepEqual(
    counts,
    [...counts].sort((a, b) => a - b),
  )
  const count = samples.find(({ name }) => name === 'tollgate_processing_seconds_count')
  assert.equal(counts.at(-1), count!.value)
}

function total({ samples }: Parsed, name: string, labels: Record<string, string> = {}): number {
  return samples
    .filter((sample) => sample.name === name)
    .filter((sample) =>
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
    .reduce((sum, { value }) => sum + value, 0)
}

async function voidSome(key: string, some: number): Promise<void> {
  const { body } = await node.call('GET', '/api/entries?limit=500', key)
  const calls = body.data.filter(({ kind }: { kind: string }) => kind === 'call')
  for (const { event_id } of calls.slice(0, some)) {
    await node.call('POST', `/api/events/${event_id}/void`, service.key, { reason: 'test' })
  }
}

test('a tenant without calls has all families, and no number that is none', async () => {
  for (const plan of ['pro', 'team', 'prepaid', 'enterprise']) {
    const { key } = await node.tenant({ plan })
    const parsed = await scrape(key)
    assertHistogram(parsed)
    assert.equal(total(parsed, 'tollgate_processing_seconds_sum'), 0)
    assert.deepEqual([...parsed.types], TYPES)
    const limits = parsed.samples.filter(({ name }) => name === 'tollgate_quota_limit')
    assert.equal(limits.length, plan === 'team' ? 1 : 0)
  }
})

const TYPES = [
  ['tollgate_conversions_total', 'counter'],
  ['tollgate_denials_total', 'counter'],
  ['tollgate_quota_used', 'gauge'],
  ['tollgate_quota_limit', 'gauge'],
  ['tollgate_quota_remaining', 'gauge'],
  ['tollgate_credits_remaining', 'gauge'],
  ['tollgate_processing_seconds', 'histogram'],
]

test('calls are counted by what they were, and what is left is told', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid', test_clock: '2025-03-01T00:00:00Z' })
  const credits = { amount: 2, reason: 'test' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/credits`, credits), 201)
  const pdf = { endpoint: '/x', file_type: 'PDF', output_format: 'md' }
  for (const [fields, status] of [
    [{ processing_time_ms: 250 }, 200],
    [{ processing_time_ms: 251, file_type: '.pdf' }, 200],
    [{ processing_time_ms: 400_000, status: 'failure' }, 200],
    [{ processing_time_ms: 9 }, 402],
  ] as const) {
    expectStatus(await node.call('POST', '/api/track', key, { ...pdf, ...fields }), status)
  }
  const parsed = await scrape(key)
  const labels = { file_type: 'pdf', output_format: 'md' }
  assert.equal(total(parsed, 'tollgate_conversions_total', { ...labels, status: 'success' }), 2)
  assert.equal(total(parsed, 'tollgate_conversions_total', { ...labels, status: 'failure' }), 1)
  assert.equal(total(parsed, 'tollgate_denials_total', labels), 1)
  assert.equal(total(parsed, 'tollgate_quota_used'), 2)
  assert.equal(total(parsed, 'tollgate_credits_remaining'), 0)
  const bucket = (le: string) => total(parsed, 'tollgate_processing_seconds_bucket', { le })
  assert.deepEqual([bucket('0.1'), bucket('0.25'), bucket('0.5')], [0, 1, 2])
  assert.deepEqual([bucket('300.0'), bucket('+Inf')], [2, 3])
  assert.equal(total(parsed, 'tollgate_processing_seconds_sum'), 400.501)
})

test('no name of a format breaks the text, or becomes another', async () => {
  const { id, key } = await node.tenant()
  const names = [
    'a"b',
    'a\\b',
    'a\nb',
    '\\n',
    '"} 1\nx 2',
    '# eof',
    '\u{1f600}é',
    'a,b="c"',
    '(other)',
  ]
  const calls = names.map((name) => ({ file_type: name, output_format: name }))
  await sendCalls(node, service.key, id, calls)
  const check = async () => {
    for (const accept of [undefined, 'application/openmetrics-text']) {
      const parsed = await scrape(key, accept)
      for (const name of names) {
        const labels = { service: 's', file_type: name, output_format: name, status: 'success' }
        assert.equal(total(parsed, 'tollgate_conversions_total', labels), 1, name)
      }
    }
  }
  await check()
  await fold(1_000)
  await check()
})

test('any text is read back as it was', async () => {
  const { id, key } = await node.tenant()
  const sent = new Map<string, number>()
  const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 })
  const property = fc.asyncProperty(
    fc.array(name, { minLength: 1, maxLength: 20 }),
    async (all) => {
      const names = all.filter((one) => one.isWellFormed() && !one.includes('\0'))
      await sendCalls(
        node,
        service.key,
        id,
        names.map((file_type) => ({ file_type })),
      )
      for (const one of names) {
        const label = one.toLowerCase().replace(/^\./, '')
        sent.set(label, (sent.get(label) ?? 0) + 1)
      }
      const parsed = await scrape(key)
      for (const [file_type, calls] of sent) {
        const labels: Record<string, string> = file_type === '' ? {} : { file_type }
        assert.ok(total(parsed, 'tollgate_conversions_total', labels) >= calls, file_type)
      }
    },
  )
  await fc.assert(property, { numRuns: 15, endOnFailure: true })
})

test('no counter ever goes down: not by folds, voids, moves, or what is beyond the bound', async () => {
  const { id, key } = await node.tenant({ test_clock: '2025-03-01T00:00:00Z' })
  let before = await scrape(key)
  const next = async () => {
    const now = await scrape(key)
    assertHistogram(now)
    assertGrown(before, now)
    before = now
  }
  let sent = 0
  for (let round = 0; round < 9; round += 1) {
    // Names come in an order that is not theirs, and again.
    const calls = Array.from({ length: 150 }, (_, index) => ({
      file_type: `f${(index * 7_919 + round * 104_729) % 2_600}`,
      status: index % 9 === 0 ? 'failure' : 'success',
      processing_time_ms: index * 40,
    }))
    await sendCalls(node, service.key, id, calls)
    sent += calls.length
    await next()
    if (round % 3 === 1) await fold(97)
    await next()
    if (round % 4 === 2) await voidSome(key, 5)
    await next()
    if (round === 6) {
      const zone = { time_zone: 'Asia/Kolkata' }
      expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, zone), 200)
    }
    await next()
  }
  await rebuildRollups(pool, () => undefined)
  await next()
  assert.equal(total(before, 'tollgate_conversions_total'), sent)
  const series = before.samples.filter(({ name }) => name === 'tollgate_conversions_total')
  assert.ok(
    series.length > USAGE_COUNTERS_MAX && series.length <= USAGE_COUNTERS_MAX + 2,
    `${series.length} series`,
  )
  assert.ok(total(before, 'tollgate_conversions_total', { file_type: '(other)' }) > 0)
  assert.deepEqual(await differencesOfRollups(pool), [])
})

test('what was counted stays when the log it came from is gone, also when rollups are made again', async () => {
  const { id, key } = await node.tenant({ test_clock: '2025-03-01T00:00:00Z' })
  await sendCalls(
    node,
    service.key,
    id,
    Array(40).fill({ file_type: 'pdf', processing_time_ms: 7 }),
  )
  await fold(1_000)
  const before = await scrape(key)
  await pool.query(
    `DELETE FROM entry USING tenant
     WHERE tenant_id = $1 AND tenant.tenant_no = entry.tenant_no AND seq BETWEEN 2 AND 30`,
    [id],
  )
  await rebuildRollups(pool, () => undefined)
  const after = await scrape(key)
  assertGrown(before, after)
  assert.equal(total(after, 'tollgate_conversions_total', { file_type: 'pdf' }), 40)
  assert.equal(total(after, 'tollgate_processing_seconds_count'), 40)
  const differences = await differencesOfRollups(pool)
  assert.deepEqual(
    differences.filter((difference) => difference.includes('for life')),
    [],
  )
})

test('the form is what Accept asks for', async () => {
  const { key } = await node.tenant()
  const typeOf = async (accept: string) => {
    const sent = { method: 'GET', path: '/api/usage/metrics', headers: { accept } }
    return (await send(node.url, key, sent)).headers.get('content-type')
  }
  const text = 'text/plain; version=0.0.4; charset=utf-8'
  const openmetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
  assert.equal(await typeOf('*/*'), text)
  assert.equal(await typeOf('text/plain;q=0.5, application/openmetrics-text;q=0.4'), text)
  assert.equal(await typeOf('application/openmetrics-text; version=2.0.0'), text)
  assert.equal(await typeOf('application/openmetrics-text;q=junk'), text)
  const prometheus =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  assert.equal(await typeOf(prometheus), openmetrics)
})

test('the two forms do not share a tag', async () => {
  const { key } = await node.tenant()
  const read = (headers: Record<string, string>) =>
    send(node.url, key, { method: 'GET', path: '/api/usage/metrics', headers })
  const tag = (await read({})).headers.get('etag')!
  assert.equal((await read({ 'if-none-match': tag })).status, 304)
  const other = { accept: 'application/openmetrics-text', 'if-none-match': tag }
  assert.equal((await read(other)).status, 200)
})
