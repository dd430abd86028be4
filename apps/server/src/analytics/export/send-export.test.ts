import assert from 'node:assert/strict'
import { get, type IncomingMessage } from 'node:http'
import { after, test } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { send } from '../../../test/api-request.ts'
import { callsFromEntries, rowsOf } from '../../../test/export-reading.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { EXPORT_PAGE_BYTES_MAX, EXPORTS_PER_TENANT_MAX } from '../../limits.ts'
import { callPieces } from './calls.ts'
import { FIRST_PLACE, Pages } from './page.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service()
/** More than fits into a page, and more than sockets hold for a reader that does not read. */
const CALLS = 5_000
const large = await node.tenant({ plan: 'enterprise' })
const properties = { text: 'x'.repeat(4_000) }
await sendCalls(node, service.key, large.id, Array(CALLS).fill({ properties }))
const tenantNo = (
  await node.server.pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [large.id])
).rows[0].tenant_no as number
const { pool } = node.server
const source = { pool, tenantNo, timeZone: 'UTC' }
const stretch = { tenantNo, from: 0, to: Date.now() + 60_000, through: CALLS + 1 }

const PATH = '/api/usage/export?level=events'

/** A reader that has the headers and reads no further until it is told. */
function open(path: string, key: string, headers = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { headers: { authorization: `Bearer ${key}`, ...headers }, agent: false }
    get(node.url + path, options, resolve).on('error', reject)
  })
}

async function bytesOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Until something holds that follows from what was done, but not at once. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve))
}

test('a page has a bound in bytes; what it has no room for is in the next ones, and nothing twice', async () => {
  const pages = new Pages(pool, stretch, new AbortController().signal)
  let place = { after: 0, lines: 10_000, scan: 10_000 }
  const seqs: number[] = []
  while (place.after < stretch.through) {
    const page = await pages.read(place)
    assert.ok(page.rows.bytes.length <= EXPORT_PAGE_BYTES_MAX)
    while (page.rows.next()) seqs.push(Number(page.rows.int64(0)))
    place = page.next
  }
  assert.deepEqual(
    seqs,
    Array.from({ length: CALLS }, (_, index) => index + 2),
  )
})

test('who does not take the file keeps two pages in memory and no connection', async () => {
  let connects = 0
  const counted = new Proxy(pool, {
    get(target, name) {
      if (name === 'connect') connects += 1
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  const gone = new AbortController()
  const asked = { format: 'csv', after: null } as const
  const names = async () => new Map()
  const pieces = callPieces({ ...source, pool: counted }, stretch, asked, names, {
    signal: gone.signal,
    isFree: () => false,
  })
  await pieces.next()
  await until(() => pool.idleCount === pool.totalCount)
  assert.equal(connects, 2)
  await pieces.return(undefined)
})

test('memory is used again for the next piece, and never before the one in it is sent or compressed', async () => {
  const query = `${PATH}&format=csv&through=${stretch.through}`
  const never = { signal: new AbortController().signal, isFree: () => false }
  const names = async () => new Map()
  const asked = { format: 'csv', after: null } as const
  const pieces: Buffer[] = []
  for await (const piece of callPieces(source, stretch, asked, names, never)) pieces.push(piece)
  const expected = withoutSender(Buffer.concat(pieces))
  const readers = [haltingly(await open(query, large.key))]
  readers.push(haltingly(await open(query, large.key, { 'accept-encoding': 'gzip' })))
  const [plain, packed] = await Promise.all(readers)
  assert.equal(withoutSender(plain!), expected)
  assert.equal(withoutSender(gunzipSync(packed!)), expected)
})

/** As somebody reads whose line is slow now and then. */
async function haltingly(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) {
    chunks.push(chunk)
    for (let turns = chunks.length % 40; turns > 0; turns--) await new Promise(setImmediate)
  }
  return Buffer.concat(chunks)
}

/** Keys have names only over HTTP. */
function withoutSender(csv: Buffer): string {
  return csv.toString().replaceAll(/key_\w+/g, '')
}

test('what is sent is whole, though calls and voids come meanwhile', async () => {
  const expected = await callsFromEntries(node, large.id)
  const message = await open(`${PATH}&format=ndjson`, large.key)
  await sendCalls(node, service.key, large.id, [{}, {}])
  const path = `/api/events/${expected.at(-1)!.event_id}/void`
  expectStatus(await node.admin('POST', path, { reason: 'r' }), 200)
  const rows = await rowsOf('ndjson', await bytesOf(message), expected)
  assert.deepEqual(rows, expected)
})

test('a tenant has so many exports at a time; who goes away frees place and connection at once', async () => {
  const readers = []
  for (let i = 0; i < EXPORTS_PER_TENANT_MAX; i++) readers.push(await open(PATH, large.key))
  const refused = await node.call('GET', PATH, large.key)
  assert.equal(refused.status, 429)
  assert.equal(refused.body.code, 'too_many_requests')
  assert.ok(Number(refused.headers.get('retry-after')) > 0)
  const other = await node.tenant({ plan: 'enterprise' })
  expectStatus(await node.call('GET', PATH, other.key), 200)
  // Neither of these makes a file.
  expectStatus(await node.call('HEAD', PATH, large.key), 200)
  for (const reader of readers) reader.destroy()
  await until(async () => {
    const { status } = await node.call('HEAD', PATH, large.key)
    return status === 200 && pool.idleCount === pool.totalCount
  })
  await until(async () => {
    const message = await open(PATH, large.key)
    message.destroy()
    return message.statusCode === 200
  })
})

test('a node has so many exports at a time, of all tenants together', async (t) => {
  const { ExportSlots } = await import('./export-slots.ts')
  const { EXPORTS_PER_NODE_MAX } = await import('../../limits.ts')
  const slots = new ExportSlots()
  const releases = Array.from({ length: EXPORTS_PER_NODE_MAX }, (_, tenant) => slots.take(tenant))
  t.after(() => releases.map((release) => release()))
  assert.throws(() => slots.take(99), { code: 'overloaded', retryAfterSeconds: 5 })
  releases[0]!()
  releases[0]!()
  slots.take(99)
  assert.throws(() => slots.take(99), { code: 'overloaded' })
})

const DECODERS = { gzip: gunzipSync, br: brotliDecompressSync, zstd: zstdDecompressSync }

for (const [coding, decode] of Object.entries(DECODERS)) {
  test(`in ${coding} it is the same, with an ETag of its own`, async () => {
    const query = `${PATH}&format=csv&through=900`
    const plain = await open(query, large.key)
    const packed = await open(query, large.key, { 'accept-encoding': coding })
    assert.equal(packed.headers['content-encoding'], coding)
    assert.equal(packed.headers.vary, 'authorization, accept-encoding')
    assert.notEqual(packed.headers.etag, plain.headers.etag)
    const bytes = await bytesOf(packed)
    const expected = await bytesOf(plain)
    assert.ok(bytes.length < expected.length / 10)
    assert.ok(decode(bytes).equals(expected))
  })
}

test('Parquet is compressed in itself', async () => {
  const tenant = await node.tenant({ plan: 'pro' })
  const headers = { 'accept-encoding': 'gzip' }
  for (const level of ['daily', 'events']) {
    const message = await open(
      `/api/usage/export?level=${level}&format=parquet`,
      tenant.key,
      headers,
    )
    assert.equal(message.headers['content-encoding'], undefined)
    assert.equal((await bytesOf(message)).subarray(0, 4).toString(), 'PAR1')
  }
})

test('what has not changed is not sent again: a call, or another team of a key, changes it', async () => {
  const tenant = await node.tenant({ plan: 'pro' })
  const keys = `/api/admin/tenants/${tenant.id}/keys`
  const { body } = expectStatus(await node.admin('POST', keys, { team: 'a' }), 201)
  const track = () => node.call('POST', '/api/track', body.key, { endpoint: '/x' })
  expectStatus(await track(), 200)
  const read = (method: string, tag = '""') =>
    send(node.url, tenant.key, { method, path: PATH, headers: { 'if-none-match': tag } })
  const first = expectStatus(await read('GET'), 200)
  const tag = first.headers.get('etag')!
  const head = expectStatus(await read('HEAD'), 200)
  assert.equal(head.headers.get('etag'), tag)
  assert.equal(head.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(head.body, '')
  assert.equal((await read('GET', tag)).status, 304)
  assert.equal((await read('HEAD', tag)).status, 304)
  await pool.query('UPDATE api_key SET team = $2 WHERE key_id = $1', [body.key_id, 'b'])
  assert.notEqual(expectStatus(await read('GET', tag), 200).headers.get('etag'), tag)
  expectStatus(await track(), 200)
  assert.equal((await read('GET', tag)).status, 200)
})

const WRONG: [query: string, field: string][] = [
  ['level=hourly', 'level'],
  ['format=xml', 'format'],
  ['cursor=-1&level=events', 'cursor'],
  ['cursor=1.5&level=events', 'cursor'],
  ['cursor=x&level=events', 'cursor'],
  ['cursor=&level=events', 'cursor'],
  ['cursor=%20&level=events', 'cursor'],
  ['cursor=0x2&level=events', 'cursor'],
  ['through=&level=events', 'through'],
  ['cursor=1e300&level=events', 'cursor'],
  ['cursor=99999999&level=events', 'cursor'],
  ['cursor=10&through=9&level=events', 'cursor'],
  ['through=99999999&level=events', 'through'],
  ['cursor=1', 'cursor'],
  ['level=daily&through=1', 'through'],
  ['level=events&period=yesterday', 'period'],
  ['level=events&start_date=2025-01-02&end_date=2025-01-01', 'end_date'],
]

for (const [query, field] of WRONG) {
  test(`${query} is refused, and ${field} is named`, async () => {
    const { status, body } = await node.call('GET', `/api/usage/export?${query}`, large.key)
    assert.equal(status, 400, JSON.stringify(body))
    assert.ok(body.errors.some((error: { field: string }) => error.field === field))
  })
}

test('plans bind, and nobody sees what belongs to another tenant', async () => {
  const free = await node.tenant({ plan: 'free' })
  assert.equal((await node.call('GET', PATH, free.key)).body.feature, 'export')
  const pro = await node.tenant({ plan: 'pro' })
  const old = await node.call('GET', `${PATH}&period=2020-01`, pro.key)
  assert.deepEqual([old.status, old.body.feature], [403, 'history'])
  const foreign = await node.call('GET', `${PATH}&tenant_id=${large.id}`, pro.key)
  assert.ok([403, 404].includes(foreign.status), String(foreign.status))
  assert.equal(
    (await node.call('GET', `/api/admin/tenants/${large.id}/usage/export`, pro.key)).status,
    403,
  )
  expectStatus(
    await node.admin('GET', `/api/admin/tenants/${free.id}/usage/export?level=events`),
    200,
  )
})

test('what fails before the file begins is a problem like any other', async () => {
  const gone = new AbortController()
  gone.abort()
  await assert.rejects(new Pages(pool, stretch, gone.signal).read(FIRST_PLACE))
})
