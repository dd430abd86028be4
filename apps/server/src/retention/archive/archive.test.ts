import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parquetReadObjects } from 'hyparquet'
import { until } from '../../../test/embedded.ts'
import { expectStatus, handClock, testNode } from '../../../test/node.ts'
import { retainedTwins } from '../../../test/retained-twins.ts'
import { logOf } from '../../ledger/log.ts'
import { retirePartitions } from '../retire-partitions.ts'
import { askForRetention } from '../tasks.ts'
import { ArchiveIsBusy, archiveMonth, monthsBefore } from './archive-month.ts'
import { ARCHIVE_COLUMNS } from './columns.ts'

const dir = await mkdtemp(join(tmpdir(), 'tollgate-archive-'))
const clock = handClock('2024-01-01T00:00:00Z')
const node = await testNode({ clock, jobs: true, archiveDir: join(dir, 'kept') })
const { pool } = node.server
after(async () => {
  await node.stop()
  await rm(dir, { recursive: true })
})
const twins = await retainedTwins(node)

async function liveJanuary(): Promise<{ id: string; key: string; no: number }[]> {
  const tenants = [await node.tenant({ plan: 'free' }), await node.tenant({ plan: 'free' })]
  const events = tenants.flatMap(({ id }) =>
    Array.from({ length: 25 }, (_, index) => ({
      tenant_id: id,
      endpoint: `/x/${index}`,
      file_type: 'pdf',
      processing_time_ms: index,
      properties: index % 2 === 0 ? { text: 'ü "," 😀', n: 0.1 } : undefined,
      timestamp: index % 3 === 0 ? '2023-12-31T03:04:05.678Z' : undefined,
    })),
  )
  expectStatus(await node.call('POST', '/api/track', twins.service.key, events), 200)
  return Promise.all(
    tenants.map(async (tenant) => {
      const found = 'SELECT tenant_no FROM tenant WHERE tenant_id = $1'
      const { rows } = await pool.query(found, [tenant.id])
      return { ...tenant, no: rows[0].tenant_no as number }
    }),
  )
}
const tenants = await liveJanuary()

async function stored(tenantId: string | null = null) {
  const { rows } = await pool.query(
    `SELECT t.tenant_id, e.*, e.properties::text AS properties, e.detail::text AS detail
     FROM entry AS e JOIN tenant AS t USING (tenant_no)
     WHERE recorded_at < '2024-02-01' AND ($1::text IS NULL OR tenant_id = $1)
     ORDER BY tenant_no, seq`,
    [tenantId],
  )
  return rows.map((row) =>
    Object.fromEntries(Object.keys(ARCHIVE_COLUMNS).map((name) => [name, plain(row[name])])),
  )
}

async function archived(folder: string, files: readonly string[]) {
  const rows = []
  for (const name of files) {
    const bytes = await readFile(join(folder, name))
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
    rows.push(...(await parquetReadObjects({ file: file as ArrayBuffer })))
  }
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])),
  )
}

function plain(value: unknown): unknown {
  if (value instanceof Date) return String(value.getTime())
  return typeof value === 'bigint' || typeof value === 'number' ? String(value) : (value ?? null)
}

test('every column of a line is archived', async () => {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'entry'`,
  )
  const columns = ['tenant_id', ...rows.map(({ name }) => name)].sort()
  assert.deepEqual(Object.keys(ARCHIVE_COLUMNS).sort(), columns)
})

test('a month comes back as it was, whole or in parts, and each file is what the manifest says', async () => {
  for (const linesPerFile of [1_000, 7]) {
    const folder = join(dir, `of ${linesPerFile}`)
    const of = { dir: folder, month: '2024-01', tenantId: null }
    const manifest = await archiveMonth(pool, of, { linesPerFile })
    const files = manifest!.parts.map(({ file }) => file)
    assert.deepEqual(await archived(folder, files), await stored())
    for (const { file, sha256, bytes } of manifest!.parts) {
      const content = await readFile(join(folder, file))
      assert.equal(createHash('sha256').update(content).digest('hex'), sha256)
      assert.equal(content.length, bytes)
    }
    assert.equal(manifest!.rows, (await stored()).length)
    assert.deepEqual((await readdir(folder)).sort(), ['entry-2024-01.json', ...files].sort())
  }
})

test('one tenant alone, in files of its own', async () => {
  const { id } = tenants[1]!
  const manifest = await archiveMonth(pool, { dir, month: '2024-01', tenantId: id })
  const rows = await archived(
    dir,
    manifest!.parts.map(({ file }) => file),
  )
  assert.deepEqual(rows, await stored(id))
  const none = await archiveMonth(pool, { dir, month: '2024-01', tenantId: 'nobody' })
  assert.deepEqual([none!.rows, none!.parts], [0, []])
})

test('who is stopped goes on, what is complete stays, and what is damaged is written again', async () => {
  const folder = join(dir, 'stopped')
  const of = { dir: folder, month: '2024-01', tenantId: null }
  let parts = 3
  const mayGoOn = () => parts-- > 0
  assert.equal(await archiveMonth(pool, of, { linesPerFile: 10, mayGoOn }), null)
  const some = (await readdir(folder)).filter((name) => name.endsWith('.parquet'))
  assert.equal(some.length, 3)
  await writeFile(join(folder, 'entry-2024-01.0004.parquet.1.tmp'), 'of one who was killed')
  const whole = await archiveMonth(pool, of, { linesPerFile: 10 })
  const names = whole!.parts.map(({ file }) => file)
  assert.deepEqual(await archived(folder, names), await stored())
  assert.deepEqual(await archiveMonth(pool, of, { mayGoOn: () => false }), whole)
  await unlink(join(folder, names[1]!))
  const again = await archiveMonth(pool, of, { linesPerFile: 10 })
  assert.deepEqual(again, whole)
})

test('of two at once one does it, or they take turns', async () => {
  const of = { dir: join(dir, 'two'), month: '2024-01', tenantId: null }
  const both = await Promise.allSettled([1, 2].map(() => archiveMonth(pool, of)))
  for (const one of both) {
    if (one.status === 'rejected') assert.ok(one.reason instanceof ArchiveIsBusy)
  }
  const manifest = await archiveMonth(pool, of)
  const files = manifest!.parts.map(({ file }) => file)
  assert.deepEqual(await archived(of.dir, files), await stored())
})

test('nothing goes that is not archived, and an empty month is dropped without what stays', async () => {
  const before = await stored()
  clock.set('2024-02-01T12:00:00Z')
  await twins.fold()
  await pool.query(`UPDATE billing_position SET open_from = '2024-02-01'`)
  await askForRetention(pool)
  await until('the end of the job', async () => {
    const { rows } = await pool.query('SELECT FROM graphile_worker.jobs')
    return rows.length === 0 ? true : null
  })
  const cuts = async () => {
    const all = await Promise.all(tenants.map(({ no }) => logOf(pool, no).cut()))
    return all.filter((cut) => cut !== null)
  }
  assert.deepEqual(await cuts(), [], 'a month that may still get lines is not archived')
  clock.set('2024-02-05T12:00:00Z')
  await askForRetention(pool)
  await until('both cuts', async () => ((await cuts()).length === 2 ? true : null))
  const files = (await readdir(join(dir, 'kept'))).filter((name) => name.endsWith('.parquet'))
  assert.deepEqual(await archived(join(dir, 'kept'), files), before)
  await pool.query('UPDATE log_cut SET made_at = $1', [new Date(0)])
  await askForRetention(pool)
  const partition = `SELECT to_regclass('entry_2024_01') AS name`
  await until('the end of the month', async () =>
    (await pool.query(partition)).rows[0].name === null ? true : null,
  )
  const left = await stored()
  assert.deepEqual(
    left.map(({ kind }) => kind),
    ['1', '1'],
  )
  assert.deepEqual(await monthsBefore(pool, '2024-02'), ['2024-01'])
  const event = { tenant_id: tenants[0]!.id, endpoint: '/x' }
  expectStatus(await node.call('POST', '/api/track', twins.service.key, event), 200)
})

test('a month that somebody reads is not waited for, and is dropped another time', async () => {
  await pool.query(
    `CREATE TABLE entry_2001_01 PARTITION OF entry FOR VALUES FROM ('2001-01-01') TO ('2001-02-01')`,
  )
  const log = { info: () => undefined } as never
  const there = async () => {
    const { rows } = await pool.query(`SELECT to_regclass('entry_2001_01') IS NOT NULL AS there`)
    return rows[0].there
  }
  const reader = await pool.connect()
  try {
    await reader.query('BEGIN')
    await reader.query('SELECT FROM entry LIMIT 1')
    await retirePartitions({ pool, clock, log })
    assert.equal(await there(), true)
  } finally {
    await reader.query('ROLLBACK')
    reader.release()
  }
  await retirePartitions({ pool, clock, log })
  assert.equal(await there(), false)
})
