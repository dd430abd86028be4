import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { after, test } from 'node:test'
import fc from 'fast-check'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { copyOut, takeRows } from './copy-out.ts'

const database = await testDatabase()
after(() => database.drop())

async function connected(t: { after(undo: () => Promise<void>): void }): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  t.after(() => client.end())
  return client
}

async function copied(client: pg.Client, select: string): Promise<string> {
  const parts: Buffer[] = []
  await copyOut(client, `COPY (${select}) TO STDOUT`, (part) => parts.push(Buffer.from(part)))
  const bytes = Buffer.concat(parts)
  let text = ''
  for (let at = 0; at < bytes.length; at += 1 + bytes.readInt32BE(at + 1)) {
    assert.equal(bytes.toString('latin1', at, at + 1), 'd')
    text += bytes.toString('utf8', at + 5, at + 1 + bytes.readInt32BE(at + 1))
  }
  return text
}

const numbered = (lengths: readonly number[]) =>
  lengths.map((length, index) => `${index}\t${'ü'.repeat(length)}\n`).join('')

test('rows of any length come whole and in order, and the connection goes on as before', async (t) => {
  const client = await connected(t)
  const lengths = [0, 1, 8_187, 8_192, 200_000, 3, ...Array(5_000).fill(40), 70_000]
  for (let round = 0; round < 3; round++) {
    const select = `SELECT n - 1, repeat('ü', length)
      FROM unnest('{${lengths}}'::int[]) WITH ORDINALITY AS of (length, n) ORDER BY n`
    assert.equal(await copied(client, select), numbered(lengths))
    assert.equal(await copied(client, 'SELECT 1 WHERE false'), '')
    const { rows } = await client.query('SELECT $1::int AS one', [round])
    assert.deepEqual(rows, [{ one: round }])
  }
})

test('what fails in the middle is told, and so is a listener that throws; both leave the connection good', async (t) => {
  const client = await connected(t)
  const failing = 'SELECT 1 / (3000 - n) FROM generate_series(1, 5000) AS n'
  await assert.rejects(copied(client, failing), { code: '22012' })
  await assert.rejects(copied(client, 'SELECT FROM nowhere'), { code: '42P01' })
  const throwing = copyOut(client, 'COPY (SELECT generate_series(1, 9)) TO STDOUT', () => {
    throw new Error('no room')
  })
  await assert.rejects(throwing, { message: 'no room' })
  assert.equal(await copied(client, 'SELECT 1'), '1\n')
})

test('a connection that ends in the middle is told', async (t) => {
  const client = await connected(t)
  client.on('error', () => undefined)
  await assert.rejects(
    copied(client, 'SELECT pg_terminate_backend(pg_backend_pid()), generate_series(1, 9)'),
  )
})

const message = fc.record({
  type: fc.constantFrom('d', 'd', 'd', 'H', 'N', 'S', 'c', 'C', 'Z'),
  body: fc.uint8Array({ maxLength: 30 }),
})

test('however a stream is cut, rows and the rest are told apart, and all of it is there in order', () => {
  const cuts = fc.array(fc.nat({ max: 40 }), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(message), cuts, (messages, sizes) => {
      const stream = new PassThrough()
      const driver: Buffer[] = []
      stream.on('data', (part: Buffer) => driver.push(Buffer.from(part)))
      const rows: Buffer[] = []
      for (let times = 0; times < 2; times++) {
        takeRows(stream, (part) => rows.push(Buffer.from(part)))
      }
      const bytes = Buffer.concat(messages.map(encoded))
      for (let at = 0, cut = 0; at < bytes.length; cut++) {
        const end = at + 1 + sizes[cut % sizes.length]!
        stream.emit('data', bytes.subarray(at, end))
        at = end
      }
      const of = (isRow: boolean) =>
        Buffer.concat(messages.filter(({ type }) => (type === 'd') === isRow).map(encoded))
      assert.deepEqual(Buffer.concat(rows), of(true))
      assert.deepEqual(Buffer.concat(driver), of(false))
    }),
  )
})

function encoded({ type, body }: { type: string; body: Uint8Array }): Buffer {
  const head = Buffer.alloc(5)
  head.write(type, 'latin1')
  head.writeInt32BE(4 + body.length, 1)
  return Buffer.concat([head, body])
}
