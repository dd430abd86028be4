import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { Client } from './client.ts'
import { copyOut, MESSAGE_HEAD_BYTES } from './copy-out.ts'
import { classifyDatabaseError } from './errors.ts'

const database = await testDatabase()
const opened: pg.Client[] = []
after(async () => {
  await Promise.allSettled(opened.map((client) => client.end()))
  await database.drop()
})

async function connected(config: pg.ClientConfig = {}): Promise<pg.Client> {
  const client: pg.Client = new Client({ connectionString: database.url, ...config })
  // Without a listener, a connection that breaks ends the process.
  client.on('error', () => undefined)
  opened.push(client)
  await client.connect()
  return client
}

const READS = 100
/** What 500 rows are on the heap, at the least. */
const READ_BYTES_MIN = 150_000
const ROWS = `SELECT n, repeat('x', 300) AS text FROM generate_series(1, 500) AS n`

/** What is left on the heap of many answers when only young objects were looked through. */
async function bytesKept(read: () => Promise<unknown>): Promise<number> {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  gc()
  const before = process.memoryUsage().heapUsed
  for (let time = 0; time < READS; time += 1) {
    await read().then(() => undefined)
    for (let turn = 0; turn < 3; turn += 1) {
      // From the event loop: the one who asked still holds the answer on its stack.
      await setImmediate()
      gc({ type: 'minor' })
    }
  }
  return process.memoryUsage().heapUsed - before
}

test('what was read is gone with the young objects, however it was asked for', async () => {
  const client = await connected({ query_timeout: 60_000 })
  const pool = new pg.Pool({ connectionString: database.url, Client, query_timeout: 60_000 })
  const withCallback = () =>
    new Promise((resolve, reject) => {
      client.query(ROWS, (error, result) => (error ? reject(error) : resolve(result)))
    })
  try {
    for (const read of [() => client.query(ROWS), withCallback, () => pool.query(ROWS)]) {
      const kept = await bytesKept(read)
      assert.ok(kept < (READS * READ_BYTES_MIN) / 4, `${kept} bytes are still there`)
    }
  } finally {
    await pool.end()
  }
})

test('a statement is asked in each form that the driver has', async () => {
  const client = await connected({ query_timeout: 60_000 })
  const text = 'SELECT $1::int4 AS n'
  const rows = [{ n: 7 }]
  assert.deepEqual((await client.query(text, [7])).rows, rows)
  assert.deepEqual((await client.query({ text, values: [7] })).rows, rows)
  assert.deepEqual((await client.query({ name: 'seven', text, values: [7] })).rows, rows)
  assert.deepEqual((await client.query({ text, rowMode: 'array' }, [7])).rows, [[7]])
  const forms: ((done: (error: Error, result: pg.QueryResult) => void) => void)[] = [
    (done) => client.query('SELECT 7 AS n', done),
    (done) => client.query(text, [7], done),
    (done) => client.query({ text, values: [7] }, done),
  ]
  for (const form of forms) {
    const answer = await new Promise<pg.QueryResult>((resolve, reject) => {
      form((error, result) => (error ? reject(error) : resolve(result)))
    })
    assert.deepEqual(answer.rows, rows)
  }
  const copied: Buffer[] = []
  await copyOut(client, 'COPY (SELECT 7) TO STDOUT', (part) => copied.push(Buffer.from(part)))
  assert.equal(Buffer.concat(copied).subarray(MESSAGE_HEAD_BYTES).toString(), '7\n')
})

test('a statement that fails says who asked, and the connection goes on', async () => {
  const client = await connected({ query_timeout: 60_000 })
  async function whoAsks() {
    await client.query('SELECT 1 / 0')
  }
  await assert.rejects(whoAsks, (error: Error & { code?: string }) => {
    assert.equal(error.code, '22012')
    assert.match(error.stack ?? '', /whoAsks/)
    return true
  })
  await assert.rejects(
    copyOut(client, 'COPY (SELECT 1 / 0) TO STDOUT', () => undefined),
    { code: '22012' },
  )
  assert.equal((await client.query('SELECT 1 AS n')).rows[0].n, 1)
  await assert.rejects(async () => client.query(undefined as never), TypeError)
})

/** The server goes on with what nobody waits for any more, until its own time is out. */
const LIMITS = { query_timeout: 50, statement_timeout: 500 }

test('a connection on which no answer comes in time is given up, with all that waits on it', async () => {
  for (const pipeline of [false, true]) {
    const client = await connected({ ...LIMITS, pipeline })
    const ended = new Promise((resolve) => client.once('end', resolve))
    const asked: Promise<unknown>[] = [
      client.query('SELECT pg_sleep(60)'),
      client.query('SELECT 1'),
    ]
    // What takes the connection for itself cannot be pipelined.
    if (!pipeline) asked.push(copyOut(client, 'COPY (SELECT 1) TO STDOUT', () => undefined))
    for (const one of await Promise.allSettled(asked)) {
      assert.equal(one.status, 'rejected')
      assert.equal(classifyDatabaseError(one.reason), 'unavailable', String(one.reason))
    }
    await ended
    await assert.rejects(client.query('SELECT 1'))
  }
})

test('a pool goes on with other connections', async () => {
  const pool = new pg.Pool({ connectionString: database.url, Client, max: 1, ...LIMITS })
  pool.on('error', () => undefined)
  const answers = () =>
    pool.query('SELECT 1').then(
      () => true,
      () => false,
    )
  try {
    await assert.rejects(pool.query('SELECT pg_sleep(60)'), /timeout/)
    await until('an answer in time', answers)
  } finally {
    await pool.end()
  }
})
