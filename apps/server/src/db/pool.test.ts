import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { createPool, inTransaction, onlyRow, withoutTimeLimits } from './pool.ts'

const database = await testDatabase()
const broken: Error[] = []
const pool = createPool(database.url, (error) => broken.push(error))
await pool.query('CREATE TABLE note (text text PRIMARY KEY)')
after(async () => {
  await pool.end()
  await database.drop()
})

async function notes(): Promise<string[]> {
  const { rows } = await pool.query<{ text: string }>('SELECT text FROM note ORDER BY text')
  return rows.map(({ text }) => text)
}

test('a transaction commits all of its work, and gives what the work gives', async () => {
  const result = await inTransaction(pool, async (client) => {
    await client.query(`INSERT INTO note VALUES ('one')`)
    await client.query(`INSERT INTO note VALUES ('two')`)
    return 'done'
  })
  assert.equal(result, 'done')
  assert.deepEqual(await notes(), ['one', 'two'])
})

test('a transaction that fails leaves nothing, tells why, and gives its connection back', async () => {
  for (let time = 0; time < 30; time += 1) {
    const failing = inTransaction(pool, async (client) => {
      await client.query(`INSERT INTO note VALUES ('three')`)
      throw new Error('changed my mind')
    })
    await assert.rejects(failing, /changed my mind/)
  }
  assert.deepEqual(await notes(), ['one', 'two'])
  await assert.rejects(
    inTransaction(pool, (client) => client.query(`INSERT INTO note VALUES ('one')`)),
    { code: '23505' },
  )
})

test('a connection that broke in a transaction is not used again', async () => {
  const failing = inTransaction(pool, (client) =>
    client.query('SELECT pg_terminate_backend(pg_backend_pid())'),
  )
  await assert.rejects(failing)
  for (let time = 0; time < 15; time += 1) assert.equal((await notes()).length, 2)
})

test('an idle connection that breaks is told of, and does not end the process', async () => {
  await pool.query('SELECT 1')
  const told = new Promise((resolve) => pool.once('error', resolve))
  await withoutTimeLimits(pool, (client) =>
    client.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid()`),
  )
  await told
  assert.ok(broken.length > 0)
  assert.equal((await notes()).length, 2)
})

test('large numbers come as bigint, and instants as milliseconds', async () => {
  const { rows } = await pool.query(`SELECT
    9223372036854775807::int8 AS large, count(*) AS counted,
    '2026-03-01T12:34:56.789+05:30'::timestamptz AS instant, '1969-12-31T23:59:59Z'::timestamptz AS before,
    NULL::int8 AS no_number, NULL::timestamptz AS no_instant
    FROM note`)
  assert.deepEqual(rows[0], {
    large: 9_223_372_036_854_775_807n,
    counted: 2n,
    instant: Date.parse('2026-03-01T07:04:56.789Z'),
    before: -1_000,
    no_number: null,
    no_instant: null,
  })
})

test('instants are the same in every zone that a database may be set to', async () => {
  const zones = ['UTC', 'America/St_Johns', 'Asia/Kathmandu', 'Pacific/Kiritimati']
  for (const zone of zones) {
    const instant = await inTransaction(pool, async (client) => {
      await client.query(`SET LOCAL TimeZone = '${zone}'`)
      return onlyRow(await client.query(`SELECT '2101-02-28T23:59:59.001Z'::timestamptz AS at`))
    })
    assert.deepEqual(instant, { at: Date.parse('2101-02-28T23:59:59.001Z') }, zone)
  }
})

test('a row that must be there and is not is an error', () => {
  assert.equal(onlyRow({ rows: [7] }), 7)
  assert.throws(() => onlyRow({ rows: [] }), /expected one row/)
})
