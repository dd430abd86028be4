import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { pino } from 'pino'
import { proxyTo } from '../../../test/api-proxy.ts'
import type { BillingPlan } from '../../../test/billing-plans.ts'
import { billingRoom, rowsOf } from '../../../test/billing-room.ts'
import { testDatabase } from '../../../test/database.ts'
import { callOf, keyOf, recorded } from '../../../test/ledger-room.ts'
import { handClock } from '../../../test/node.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { Order } from '../../ledger/command-of.ts'
import { readProfile, writeProfile } from '../profile/store.ts'
import { billingTasks } from '../tasks.ts'
import { foldPage, foldUsage } from '../usage/fold.ts'
import { readBehind } from '../usage/store.ts'
import { verifyInvoices } from '../verify/verify-invoices.ts'
import { closePeriods } from './close-periods.ts'

const database = await testDatabase()
const clock = handClock('2025-01-01T00:00:00Z')
const rooms = [await billingRoom(database, clock), await billingRoom(database, clock)] as const
const [here, there] = rooms
const { pool } = here
after(async () => {
  await Promise.all(rooms.map((room) => room.close()))
  await database.drop()
})

const log = pino({ level: 'silent' })
let keys = 0

/** So many tenants that begin now, each with a call in each of so many months. */
async function tenants(count: number, plan: BillingPlan, months = 1): Promise<number[]> {
  clock.set('2025-01-01T00:00:00Z')
  const tenantNos: number[] = []
  for (let made = 0; made < count; made += 1) tenantNos.push(await here.tenant(plan))
  for (let month = 1; month <= months; month += 1) {
    clock.set(`2025-0${month}-15T00:00:00Z`)
    await Promise.all(
      tenantNos.map((tenantNo) => {
        return submit(tenantNo, callOf(1))
      }),
    )
  }
  return tenantNos
}

function submit(tenantNo: number, order: Order) {
  keys += 1
  return recorded(here.ledger.submit(tenantNo, null, order, keyOf(`closing ${keys}`)))
}

const CLOSED_AT = '2025-04-01T02:00:00Z'
const QUARTER = ['2025-01-01', '2025-02-01', '2025-03-01']

async function invoicedPeriods(tenantNo: number): Promise<string[]> {
  const statement = 'SELECT period_start FROM invoice WHERE tenant_no = $1 ORDER BY 1'
  const rows = await rowsOf<{ period_start: number }>(pool, statement, tenantNo)
  return rows.map(({ period_start }) => new Date(period_start).toISOString().slice(0, 10))
}

/** One invoice for each period, numbers without gaps, everything as the log has it. */
async function assertClosedOnce(tenantNos: readonly number[], periods = QUARTER): Promise<void> {
  for (const tenantNo of tenantNos) assert.deepEqual(await invoicedPeriods(tenantNo), periods)
  const client = await pool.connect()
  try {
    const { differences } = await verifyInvoices(client, here.catalog)
    assert.deepEqual(differences, [])
  } finally {
    client.release()
  }
}

test('eight at once on two nodes issue one invoice for each period, and a second time none', async () => {
  const tenantNos = await tenants(5, 'base', 3)
  clock.set(CLOSED_AT)
  const all = tenantNos.flatMap((tenantNo) =>
    [...rooms, ...rooms, ...rooms, ...rooms].map((room) => closePeriods(room, tenantNo)),
  )
  const issued = (await Promise.all(all)).flat()
  assert.equal(issued.length, 3 * tenantNos.length)
  assert.equal(new Set(issued).size, issued.length)
  for (const tenantNo of tenantNos) assert.deepEqual(await closePeriods(there, tenantNo), [])
  await assertClosedOnce(tenantNos)
})

test('to whom it is earlier than to those who closed, there is nothing to do', async () => {
  const [tenantNo] = await tenants(1, 'base', 3)
  clock.set(CLOSED_AT)
  assert.equal((await closePeriods(here, tenantNo!)).length, 3)
  const behind = { ...there, clock: handClock('2025-03-20T00:00:00Z') }
  assert.deepEqual(await closePeriods(behind, tenantNo!), [])
  await assertClosedOnce([tenantNo!])
})

test('a change that somebody else measured meanwhile holds for the calls after it', async () => {
  const [tenantNo] = await tenants(1, 'base')
  const { planVersionNo } = here.catalog.latestPlan('monthly')!
  await inTransaction(pool, async (db) => {
    let begun = false
    const query = async (statement: { name?: string }) => {
      if (statement.name === 'lock_billing_position' && !begun) {
        begun = true
        await submit(tenantNo!, { kind: 'change', change: { planVersionNo } })
        await foldUsage(there, tenantNo!, clock.now())
        await submit(tenantNo!, callOf(1))
      }
      return db.query(statement as never)
    }
    await foldPage({ query } as unknown as Queryable, here.catalog, tenantNo!, clock.now())
    assert.ok(begun)
  })
  clock.set('2025-02-01T02:00:00Z')
  await closePeriods(here, tenantNo!)
  await assertClosedOnce([tenantNo!], QUARTER.slice(0, 1))
})

test('three months in which nothing ran are three invoices, each of its own calls', async () => {
  const [tenantNo] = (await tenants(1, 'base', 3)) as [number]
  clock.set(CLOSED_AT)
  await billingTasks({ ...here, log }).close_periods!({})
  await assertClosedOnce([tenantNo])
  const rows = await rowsOf<{ total: string }>(
    pool,
    'SELECT total::text FROM invoice WHERE tenant_no = $1 ORDER BY period_start',
    tenantNo,
  )
  assert.deepEqual(rows, [{ total: '49.01' }, { total: '49.01' }, { total: '49.01' }])
})

test('credits that a period begins with come once, however many look at the same time', async () => {
  const tenantNos = await tenants(3, 'monthly')
  for (const month of ['02', '03', '04']) {
    clock.set(`2025-${month}-01T02:00:00Z`)
    const all = tenantNos.flatMap((tenantNo) =>
      [...rooms, ...rooms, ...rooms, ...rooms].map((room) => closePeriods(room, tenantNo)),
    )
    assert.equal((await Promise.all(all)).flat().length, tenantNos.length)
  }
  for (const tenantNo of tenantNos) {
    const rows = await rowsOf<{ begins: string }>(
      pool,
      `SELECT detail ->> 'period_start' AS begins FROM entry
       WHERE tenant_no = $1 AND detail ->> 'rolled_over' IS NOT NULL ORDER BY seq`,
      tenantNo,
    )
    const begins = rows.map((row) => row.begins.slice(0, 10))
    assert.deepEqual(begins, [...QUARTER, '2025-04-01'])
  }
  await assertClosedOnce(tenantNos)
})

test('who cannot be billed holds up nobody, is told in the log, and is billed when it can be', async () => {
  const tenantNos = await tenants(6, 'base', 3)
  const broken = tenantNos[2]!
  const profile = await readProfile(pool, broken)
  await writeProfile(pool, broken, { ...profile, currency: 'EUR' })
  clock.set(CLOSED_AT)
  const told: unknown[] = []
  const listening = pino({ level: 'error' }, { write: (line) => void told.push(JSON.parse(line)) })
  const close = billingTasks({ ...here, log: listening }).close_periods!
  await close({})
  await assertClosedOnce(tenantNos.filter((tenantNo) => tenantNo !== broken))
  assert.deepEqual(await invoicedPeriods(broken), [])
  assert.deepEqual(
    told.map((line) => (line as { tenantNo: number }).tenantNo),
    [broken],
  )
  await writeProfile(pool, broken, profile)
  await close({})
  assert.deepEqual(await invoicedPeriods(broken), [], 'it is not its turn yet')
  clock.advance(31 * 60_000)
  await close({})
  await assertClosedOnce(tenantNos)
})

test('who cannot be measured holds up nobody, and is told in the log', async () => {
  const tenantNos = await tenants(6, 'base')
  const broken = tenantNos[2]!
  const all = [...tenantNos]
  for (const tenantNo of all) await foldUsage(here, tenantNo, clock.now())
  await Promise.all(all.map((tenantNo) => submit(tenantNo, callOf(1))))
  const spoil = (to: string) =>
    pool.query('UPDATE billed_usage SET quantity = $2::numeric WHERE tenant_no = $1', [broken, to])
  await spoil('NaN')
  const told: string[] = []
  const listening = pino({ level: 'error' }, { write: (line) => void told.push(line) })
  await billingTasks({ ...here, log: listening }).fold_usage!({})
  assert.equal(told.length, 1)
  const behind = await readBehind(pool, 1_000)
  assert.deepEqual(
    all.filter((tenantNo) => behind.includes(tenantNo)),
    [broken],
  )
  await spoil('1')
})

const KILLS = 4

test('killed anywhere and begun again, each period is issued once, with numbers without gaps', async (t) => {
  const tenantNos = await tenants(25, 'base', 3)
  let kills = 0
  for (let done = false; !done; ) {
    const child = spawn(
      process.execPath,
      [
        join(import.meta.dirname, '../../../test/close-in-child.ts'),
        database.url,
        CLOSED_AT,
        ...tenantNos.map(String),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    t.after(() => void child.kill('SIGKILL'))
    // Each time a few more lines, and somewhere in the work that follows them.
    const linesMax = 1 + kills * 7
    let lines = 0
    child.stdout.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1
      if (lines > linesMax && kills < KILLS) setTimeout(() => child.kill('SIGKILL'), kills % 5)
    })
    const [code] = await new Promise<[number | null]>((resolve) =>
      child.once('close', (exit) => resolve([exit])),
    )
    done = code === 0
    if (!done) kills += 1
  }
  assert.equal(kills, KILLS)
  clock.set(CLOSED_AT)
  await assertClosedOnce(tenantNos)
})

test('a connection that is cut in the middle leaves nothing half done', async () => {
  const tenantNos = await tenants(12, 'base', 3)
  const proxy = await proxyTo(database.url)
  const cut = await billingRoom(proxy, clock)
  clock.set(CLOSED_AT)
  let failed = 0
  for (const [index, tenantNo] of tenantNos.entries()) {
    const closing = closePeriods(cut, tenantNo).catch(() => {
      failed += 1
    })
    // After so many turns of the loop, so that each time it is somewhere else.
    for (let turn = 0; turn < index * 4; turn += 1) await new Promise(setImmediate)
    await proxy.cut()
    await closing
    await proxy.restore()
  }
  assert.ok(failed > 0, 'none was cut in the middle')
  await cut.close()
  await proxy.close()
  for (const tenantNo of tenantNos) await closePeriods(here, tenantNo)
  await assertClosedOnce(tenantNos)
})

test('who has left is sent no invoices of nothing, and is billed for the time before', async () => {
  const [tenantNo] = (await tenants(1, 'base')) as [number]
  await submit(tenantNo, { kind: 'change', change: { subscription: 'canceled' } })
  clock.set(CLOSED_AT)
  await closePeriods(here, tenantNo)
  await assertClosedOnce([tenantNo], ['2025-01-01'])
})
