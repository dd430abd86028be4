import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { expectStatus, testNode } from '../../../test/node.ts'
import { usageOf } from '../../../test/usage-model.ts'
import { placeTenants, UsageFolder } from '../rollups/folder.ts'
import { UsageMemory } from './memory.ts'
import { dailyReader, hourlyReader } from './reader.ts'

const CALLS = 60
const READERS = 2
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const FORMATS = ['pdf', 'xlsx', 'docx']

const node = await testNode()
after(() => node.stop())
const { pool } = node.server

test('a reading has every call that was answered before it and none twice, whatever is folded beside it', async () => {
  const { key } = await node.tenant({ plan: 'enterprise' })
  await placeTenants(pool)
  let [begun, done] = [0, 0]
  const isDone = () => done === CALLS
  const sending = async () => {
    for (let index = 0; index < CALLS; index += 1) {
      begun += 1
      expectStatus(await node.call('POST', '/api/track', key, callOf(index)), 200)
      done += 1
    }
  }
  const folding = async () => {
    while (!isDone()) await new UsageFolder(pool, 5).run(1)
  }
  const reading = async (query: string, totalOf: (body: Body) => number) => {
    for (let last = false; !last; ) {
      last = isDone()
      const before = done
      const total = totalOf(await usageOf(node, key, query))
      assert.ok(total >= before && total <= begun, `${query}: ${before} ${total} ${begun}`)
    }
  }
  await Promise.all([
    sending(),
    folding(),
    ...Array.from({ length: READERS }, () => [
      reading('history?period=last_7_days', ({ totals }) => totals.conversions),
      reading('history?period=last_7_days', ({ data }) => sum(data.map(typesOf))),
      reading('history?period=last_7_days&granularity=hourly', ({ totals }) => totals.conversions),
      reading('breakdown?period=last_7_days', ({ breakdown }) =>
        sum(Object.values(breakdown.by_output)),
      ),
    ]).flat(),
  ])
})

test('what is remembered, what is not, and what is read for the first time are the same', async () => {
  const tenant = await node.tenant({ plan: 'enterprise' })
  const tenantNo = await tenantNoOf(tenant.id)
  await placeTenants(pool)
  const [large, none] = [new UsageMemory(), new UsageMemory({ maxSize: 1, maxEntrySize: 1 })]
  const read = (memory: UsageMemory) => readAll(memory, tenantNo)
  for (let index = 0; index < 24; index += 1) {
    const sent = expectStatus(await node.call('POST', '/api/track', tenant.key, callOf(index)), 200)
    if (index % 5 === 4) {
      const path = `/api/events/${sent.body.event_id}/void`
      expectStatus(await node.admin('POST', path, { reason: 'test' }), 200)
    }
    if (index % 7 === 3) await new UsageFolder(pool).run(1)
    const found = await read(large)
    assert.deepEqual(found, await read(none))
    assert.deepEqual(found, await read(new UsageMemory()))
    assert.deepEqual(found, await read(large), 'read again')
  }
})

test('rollups that were made again are not mixed with what is remembered of those before', async () => {
  const tenant = await node.tenant({ plan: 'enterprise' })
  const tenantNo = await tenantNoOf(tenant.id)
  await placeTenants(pool)
  for (let index = 0; index < 6; index += 1) {
    expectStatus(await node.call('POST', '/api/track', tenant.key, callOf(index)), 200)
  }
  await new UsageFolder(pool).run(1)
  const memory = new UsageMemory()
  const before = await readAll(memory, tenantNo)
  for (const zone of ['Asia/Kathmandu', 'UTC']) {
    const path = `/api/admin/tenants/${tenant.id}`
    expectStatus(await node.admin('PATCH', path, { time_zone: zone }), 200)
    assert.deepEqual(await readAll(memory, tenantNo), before, `${zone} before it is folded`)
    await placeTenants(pool)
    await new UsageFolder(pool).run(1)
    assert.deepEqual(await readAll(memory, tenantNo), before, zone)
  }
})

type Body = Awaited<ReturnType<typeof usageOf>>

/** Everything that one can ask about the last two days, but in an order that does not matter. */
async function readAll(memory: UsageMemory, tenantNo: number): Promise<unknown> {
  const source = { pool, memory, tenantNo, timeZone: 'UTC', seenSeq: Number.MAX_SAFE_INTEGER }
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS
  const days = [today - DAY_MS, today, today + DAY_MS]
  const hours = Array.from({ length: 49 }, (_, hour) => today - DAY_MS + hour * HOUR_MS)
  const [daily, hourly] = [dailyReader(source, days), hourlyReader(source, hours)]
  const rows = [
    await daily.by(['total', 'endpoint', 'key']),
    await hourly.by(['total', 'status']),
    (await daily.callsBy(['file_type'])).flatMap(summed),
  ]
  const percentiles = [
    await daily.percentiles('processing_time'),
    await hourly.percentiles('file_size'),
  ]
  return [rows.map((some) => some.map(textOf).sort()), percentiles]

  function summed(usages: readonly { place: number; value: string; calls: number }[]) {
    const places = Map.groupBy(usages, ({ place, value }) => `${place} ${value}`)
    return [...places].map(([name, own]) => [name, sum(own.map(({ calls }) => calls))])
  }
}

function textOf(row: object): string {
  return JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? String(value) : value))
}

function callOf(index: number) {
  return {
    endpoint: `/convert/${index % 4}`,
    file_type: FORMATS[index % FORMATS.length],
    output_format: 'json',
    status: index % 9 === 0 ? 'failure' : 'success',
    processing_time_ms: 40 * index,
    file_size_bytes: 1_000 * index,
    timestamp: new Date(Date.now() - (index % 3) * HOUR_MS).toISOString(),
  }
}

function typesOf({ conversions }: { conversions: { by_type: Record<string, number> } }): number {
  return sum(Object.values(conversions.by_type))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((before, one) => before + one, 0)
}

async function tenantNoOf(id: string): Promise<number> {
  const { rows } = await pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [id])
  return rows[0].tenant_no
}
