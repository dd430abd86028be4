import assert from 'node:assert/strict'
import { after, beforeEach, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { isMigrated, migrate } from './migrate.ts'
import { connectionOptions, createPool } from './pool.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
const TABLES = `SELECT relname FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname`

after(async () => {
  await pool.end()
  await database.drop()
})
beforeEach(async () => {
  await pool.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public')
})

async function tables(): Promise<string[]> {
  const { rows } = await pool.query<{ relname: string }>(TABLES)
  return rows.map(({ relname }) => relname)
}

test('nodes that start together on an empty database apply each migration once, and all start', async () => {
  const pools = Array.from({ length: 5 }, () => createPool(database.url, () => {}))
  await Promise.all(pools.flatMap((node) => [migrate(node), migrate(node)]))
  const { rows } = await pool.query('SELECT name, count(*)::int AS n FROM migration GROUP BY name')
  assert.ok(rows.length > 0)
  assert.ok(rows.every(({ n }) => n === 1))
  for (const node of pools) assert.equal(await isMigrated(node), true)
  await Promise.all(pools.map((node) => node.end()))
})

test('a database that is migrated already is left as it is', async () => {
  await migrate(pool)
  const before = await pool.query('SELECT * FROM migration')
  await pool.query(
    `INSERT INTO tenant (tenant_id, name, email) VALUES ('kept', 'K', 'k@example.com')`,
  )
  await migrate(pool)
  assert.deepEqual((await pool.query('SELECT * FROM migration')).rows, before.rows)
  assert.equal((await pool.query('SELECT FROM tenant')).rowCount, 1)
})

test('an empty database is not migrated, and says so without an error', async () => {
  assert.equal(await isMigrated(pool), false)
})

test('a database that a newer Tollgate has migrated is refused, by name, and left as it is', async () => {
  await migrate(pool)
  await pool.query(`INSERT INTO migration (name) VALUES ('9998_future.sql'), ('9999_later.sql')`)
  const before = await tables()
  await assert.rejects(migrate(pool), /9998_future\.sql, 9999_later\.sql.*newer.*restore a backup/)
  assert.deepEqual(await tables(), before)
})

test('a migration that fails leaves nothing, is named, and succeeds when its cause is gone', async () => {
  await pool.query('CREATE TABLE account (mine text)')
  await assert.rejects(migrate(pool), /Migration 0001_core\.sql failed: .*"account" already exists/)
  assert.deepEqual(await tables(), ['account', 'migration'])
  assert.equal(await isMigrated(pool), false)
  await pool.query('DROP TABLE account')
  await migrate(pool)
  assert.equal(await isMigrated(pool), true)
})

test('a node waits for the migrations of another as long as they take', async () => {
  const TIMEOUT_MS = 200
  const limits = { query_timeout: TIMEOUT_MS, statement_timeout: TIMEOUT_MS }
  const hasty = new pg.Pool({ ...connectionOptions(database.url), ...limits })
  const slow = new pg.Client(connectionOptions(database.url))
  await slow.connect()
  // The first node: it has the lock, and stays in a migration for longer than statements may take.
  await slow.query('SELECT pg_advisory_lock(7055217001)')
  const migrated = migrate(hasty).then(
    () => null,
    (error: unknown) => error,
  )
  await until('the second node to have waited for longer than a statement may take', async () => {
    const { rows } = await pool.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event = 'advisory' AND now() - query_start > $1 * interval '2 ms'`,
      [TIMEOUT_MS],
    )
    return rows.length > 0
  })
  await slow.end()
  assert.equal(await migrated, null)
  await hasty.end()
})
