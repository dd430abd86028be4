import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { testDatabase } from './database.ts'

test('each test database is a migrated copy that no other test sees, and is gone when dropped', async () => {
  const [one, other] = await Promise.all([testDatabase(), testDatabase()])
  const client = new pg.Client({ connectionString: one.url })
  await client.connect()
  await client.query('CREATE TABLE mine (id int)')
  const { rows } = await client.query('SELECT count(*)::int AS n FROM migration')
  assert.ok(rows[0].n > 0)
  client.on('error', () => {})

  assert.notEqual(one.url, other.url)
  const second = new pg.Client({ connectionString: other.url })
  await second.connect()
  await assert.rejects(second.query('SELECT * FROM mine'), { code: '42P01' })
  await second.end()

  await Promise.all([one.drop(), other.drop()])
  await assert.rejects(new pg.Client({ connectionString: one.url }).connect(), { code: '3D000' })
})
