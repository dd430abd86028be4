import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { callOf, giftOf, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import { handClock } from '../../test/node.ts'
import { readEntriesBackward, readEntriesForward, readKnownKeys } from '../ledger/store.ts'
import { ensurePartitions } from './partitions.ts'
import { createPool, inTransaction } from './pool.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  for (const { name } of await partitions()) await pool.query(`DROP TABLE ${name}`)
  await pool.query('TRUNCATE entry, event_key, account, tenant CASCADE')
})

/** The monthly ones, with their bounds in UTC. */
async function partitions(): Promise<{ name: string; bounds: string }[]> {
  return inTransaction(pool, async (client) => {
    await client.query(`SET LOCAL TimeZone = 'UTC'`)
    const { rows } = await client.query<{ name: string; bounds: string }>(
      `SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bounds
       FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
       WHERE i.inhparent = 'entry'::regclass AND c.relname <> 'entry_default' ORDER BY c.relname`,
    )
    return rows
  })
}

async function names(): Promise<string[]> {
  return (await partitions()).map(({ name }) => name)
}

const fromTo = (from: string, to: string) =>
  `FOR VALUES FROM ('${from} 00:00:00+00') TO ('${to} 00:00:00+00')`

test('from the last moment of a year on, the months follow each other without a gap', async () => {
  await ensurePartitions(pool, Date.parse('2026-12-31T23:59:59.999Z'))
  assert.deepEqual(await partitions(), [
    { name: 'entry_2026_12', bounds: fromTo('2026-12-01', '2027-01-01') },
    { name: 'entry_2027_01', bounds: fromTo('2027-01-01', '2027-02-01') },
    { name: 'entry_2027_02', bounds: fromTo('2027-02-01', '2027-03-01') },
    { name: 'entry_2027_03', bounds: fromTo('2027-03-01', '2027-04-01') },
  ])
})

test('from a day that shorter months do not have, no month is left out', async () => {
  await ensurePartitions(pool, Date.parse('2026-01-31T12:00:00Z'))
  const months = ['2026_01', '2026_02', '2026_03', '2026_04']
  assert.deepEqual(
    await names(),
    months.map((month) => `entry_${month}`),
  )
})

test('months begin in UTC, whatever zone the database is set to', async () => {
  const name = new URL(database.url).pathname.slice(1)
  await pool.query(`ALTER DATABASE ${name} SET TimeZone = 'Asia/Tokyo'`)
  const elsewhere = createPool(database.url, () => {})
  try {
    await ensurePartitions(elsewhere, Date.parse('2026-05-15T00:00:00Z'))
    assert.equal((await partitions())[0]?.bounds, fromTo('2026-05-01', '2026-06-01'))
  } finally {
    await elsewhere.end()
    await pool.query(`ALTER DATABASE ${name} RESET TimeZone`)
  }
})

test('nodes that start together make each month once, and all start', async () => {
  const pools = [pool, createPool(database.url, () => {})]
  const now = Date.parse('2026-08-15T00:00:00Z')
  await Promise.all([...pools, ...pools, ...pools].map((node) => ensurePartitions(node, now)))
  assert.deepEqual(await names(), [
    'entry_2026_08',
    'entry_2026_09',
    'entry_2026_10',
    'entry_2026_11',
  ])
  await pools[1]!.end()
})

test('asked again a month later, only the month that is missing is made', async () => {
  await ensurePartitions(pool, Date.parse('2026-08-15T00:00:00Z'))
  const before = await partitions()
  await ensurePartitions(pool, Date.parse('2026-09-15T00:00:00Z'))
  const made = (await partitions()).slice(before.length)
  assert.deepEqual(
    made.map(({ name }) => name),
    ['entry_2026_12'],
  )
})

test('in no month can a tenant’s line be written twice', async () => {
  await ensurePartitions(pool, Date.parse('2026-08-15T00:00:00Z'))
  for (const table of ['entry_default', ...(await names())]) {
    const { rows } = await pool.query<{ keys: string }>(
      `SELECT pg_get_constraintdef(oid) AS keys FROM pg_constraint
       WHERE conrelid = $1::regclass AND contype = 'p'`,
      [table],
    )
    assert.deepEqual(rows, [{ keys: 'PRIMARY KEY (tenant_no, seq)' }], table)
  }
})

test('lines of months that have no partition are kept, found, replayed and verified like others', async () => {
  const clock = handClock('2026-08-31T23:59:59.500Z')
  const room = await ledgerRoom(database, { clock })
  try {
    const [tenantNo] = (await room.tenants(1, 'prepaid')) as [number]
    const submit = (name: string, order = callOf()) =>
      recorded(room.ledger.submit(tenantNo, null, order, keyOf(name)))
    await submit('gift', giftOf(10))
    clock.set('2027-05-03T00:00:00Z') // beyond the months that were made
    await submit('far')
    clock.set('2031-01-01T00:00:00Z')
    await submit('further')

    const { rows } = await pool.query('SELECT count(*)::int AS n FROM entry_default')
    assert.equal(rows[0].n, 2)
    const forward = await readEntriesForward(pool, tenantNo, 0, 10)
    assert.deepEqual(
      forward.map(({ seq }) => seq),
      [1, 2, 3, 4],
    )
    const backward = await readEntriesBackward(pool, tenantNo, null, 10)
    assert.deepEqual(backward, [...forward].reverse())
    const keys = ['far', 'further', 'gift'].map((name) => ({ tenantNo, key: keyOf(name).key }))
    assert.equal((await readKnownKeys(pool, keys)).length, 3)
    assert.equal((await submit('far')).replayed, true)
    assert.deepEqual(await room.differences(), [])
  } finally {
    await room.close()
  }
})

test('a month whose lines are in the default partition stays there; its neighbours are made', async () => {
  const clock = handClock('2026-08-15T00:00:00Z')
  const room = await ledgerRoom(database, { clock })
  try {
    const [tenantNo] = (await room.tenants(1, 'open')) as [number]
    clock.set('2027-01-20T00:00:00Z')
    await recorded(room.ledger.submit(tenantNo, null, callOf(), keyOf('early')))
    await ensurePartitions(pool, Date.parse('2026-12-15T00:00:00Z'))
    assert.deepEqual((await names()).slice(-3), ['entry_2026_12', 'entry_2027_02', 'entry_2027_03'])
    await recorded(room.ledger.submit(tenantNo, null, callOf(), keyOf('later')))
    assert.equal((await readEntriesForward(pool, tenantNo, 0, 10)).length, 3)
  } finally {
    await room.close()
  }
})
