import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { classifyDatabaseError, isUniqueViolation } from './errors.ts'
import { createPool } from './pool.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
after(async () => {
  await pool.end()
  await database.drop()
})

async function errorOf(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work()
  } catch (error) {
    return error
  }
  throw new Error('nothing went wrong')
}

/** An error as PostgreSQL sends it. */
function raised(code: string): Promise<unknown> {
  return errorOf(() =>
    pool.query(`DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '${code}'; END $$`),
  )
}

const MEANING = {
  conflict: ['23505', '22012'],
  deadlock: ['40P01', '40001'],
  // Connection lost, no room or memory, cancelled or shut down, disk failed, a replica, no such database.
  unavailable: [
    '08006',
    '53100',
    '53200',
    '53300',
    '57014',
    '57P01',
    '57P03',
    '58030',
    '25006',
    '3D000',
  ],
  other: ['23502', '23514', '42P01', '42703', '22003', '22021', '22P02', '54000', 'XX000', '0A000'],
} as const

for (const [meaning, codes] of Object.entries(MEANING)) {
  test(`what PostgreSQL says with ${codes.join(', ')} is “${meaning}”`, async () => {
    for (const code of codes) assert.equal(classifyDatabaseError(await raised(code)), meaning, code)
  })
}

test('a database that cannot be reached is unavailable, in whichever way it shows', async () => {
  const statement = 'SELECT 1'
  const closedPort = await freePort()
  const refused = await errorOf(() => queryOnce(`postgres://u:p@127.0.0.1:${closedPort}/d`))
  const noHost = await errorOf(() => queryOnce('postgres://u:p@no-such-host.invalid/d'))
  const killed = await errorOf(() => pool.query('SELECT pg_terminate_backend(pg_backend_pid())'))
  const ended = new pg.Client(database.url)
  await ended.connect()
  await ended.end()
  const afterEnd = await errorOf(() => ended.query(statement))
  const slow = new pg.Client({ connectionString: database.url, query_timeout: 20 })
  await slow.connect()
  const timeout = await errorOf(() => slow.query('SELECT pg_sleep(60)'))
  slow.end().catch(() => {})
  await pool.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'sleep.60'
    AND pid <> pg_backend_pid()`)
  for (const error of [refused, noHost, killed, afterEnd, timeout]) {
    assert.equal(classifyDatabaseError(error), 'unavailable', String(error))
  }
})

test('a server that hangs up in the middle is unavailable', async () => {
  const server = createServer((socket) => socket.once('data', () => socket.destroy()))
  const port = await listening(server)
  const error = await errorOf(() => queryOnce(`postgres://u:p@127.0.0.1:${port}/d`))
  assert.equal(classifyDatabaseError(error), 'unavailable', String(error))
  server.close()
})

test('a mistake of the program is not taken for a database that is gone', () => {
  const mistakes = [
    () => Buffer.alloc(8).writeInt32BE(2 ** 40, 0),
    () => Buffer.alloc(8).writeBigInt64BE(2n ** 70n, 0),
    () => Buffer.from(7 as never),
    () => (null as unknown as { connection: string }).connection,
    () => JSON.parse('{'),
    () => new Date(Number.NaN).toISOString(),
  ]
  for (const mistake of mistakes) {
    let error: unknown
    try {
      mistake()
    } catch (thrown) {
      error = thrown
    }
    assert.equal(classifyDatabaseError(error), 'other', String(error))
  }
})

test('a unique violation is told by its constraint', async () => {
  await pool.query(`INSERT INTO tenant (tenant_id, name, email) VALUES ('a', 'A', 'a@example.com')`)
  const error = await errorOf(() =>
    pool.query(`INSERT INTO tenant (tenant_id, name, email) VALUES ('a', 'B', 'b@example.com')`),
  )
  assert.equal(isUniqueViolation(error, 'tenant_id_is_unique'), true)
  assert.equal(isUniqueViolation(error, 'key_id_is_unique'), false)
  assert.equal(isUniqueViolation(await raised('23505'), 'tenant_id_is_unique'), false)
})

async function queryOnce(url: string): Promise<void> {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  await client.query('SELECT 1').finally(() => client.end())
}

async function freePort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

function listening(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}
