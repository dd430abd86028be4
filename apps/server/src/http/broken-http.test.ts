import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { PROBLEMS, type ProblemCode } from '@tollgate/contract'
import { type RawReply, rawConnection } from '../../test/api-raw.ts'
import { send } from '../../test/api-request.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const { id, key } = await node.tenant()
afterEach(async () => {
  expectStatus(await node.call('GET', '/health', null), 200)
  assert.equal((await node.admin('GET', `/api/admin/tenants/${id}`)).body.seq, expectedSeq)
})
let expectedSeq = 1

const HEAD = `POST /api/track HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n`
const JSON_HEAD = `${HEAD}content-type: application/json\r\n`
const EVENT = '{"endpoint":"/x"}'
const ten = 10 * 1024 * 1024

function assertRawProblem(reply: RawReply | null, code: ProblemCode): void {
  assert.ok(reply, 'the connection was closed without an answer')
  assert.equal(reply.status, PROBLEMS[code].status, reply.body)
  assert.match(reply.headers.get('content-type') ?? '', /^application\/problem\+json/)
  const body = JSON.parse(reply.body)
  assert.equal(body.code, code)
  assert.ok(body.request_id)
}

async function answerTo(...bytes: (string | Uint8Array)[]): Promise<RawReply | null> {
  const connection = await rawConnection(node.url)
  for (const part of bytes) connection.write(part)
  const reply = await connection.reply()
  connection.destroy()
  return reply
}

test('a body of 10 MB is refused before it is read to its end, whether its length is told or not', async () => {
  const connection = await rawConnection(node.url)
  connection.write(`${JSON_HEAD}content-length: ${ten}\r\n\r\n[`)
  assertRawProblem(await connection.reply(), 'body_too_large')
  await connection.closed()

  const chunk = `100000\r\n${' '.repeat(0x10_0000)}\r\n`
  const chunked = [`${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`, ...Array(10).fill(chunk)]
  assertRawProblem(await answerTo(...chunked), 'body_too_large')
})

test('who sends 10 MB all the same reads the problem', async () => {
  const body = `[${'{"endpoint":"/x"},'.repeat(ten / 18)}{}]`
  assert.ok(body.length > 10_000_000)
  const reply = await send(node.url, key, { method: 'POST', path: '/api/track', body }).catch(
    () => null,
  )
  // A client may meet the closed connection before it reads.
  if (reply !== null) assert.equal(reply.body.code, 'body_too_large')
})

test('endless headers are refused', async () => {
  assertRawProblem(
    await answerTo(`${HEAD}x-long: ${'x'.repeat(20_000)}\r\n\r\n`),
    'header_too_large',
  )
  const many = Array.from({ length: 5_000 }, (_, index) => `x-${index}: ${index}\r\n`).join('')
  assertRawProblem(await answerTo(`${HEAD}${many}\r\n`), 'header_too_large')
  assertRawProblem(await answerTo(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\n`), 'header_too_large')
})

test('what is not HTTP is answered as a problem, and closed', async () => {
  for (const bytes of [
    'hello\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `${HEAD}content-length: x\r\n\r\n`,
    `${HEAD}content-length: -1\r\n\r\n`,
    `${HEAD}bad header\r\n\r\n`,
    `${HEAD}x: a\0b\r\n\r\n`,
    `${JSON_HEAD}content-length: 17\r\ncontent-length: 18\r\n\r\n${EVENT}`,
    // Two servers that read these differently see two different requests.
    `${JSON_HEAD}content-length: 17\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    `${JSON_HEAD}transfer-encoding: gzip\r\n\r\n`,
    Buffer.from([
      0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03, 0x0d, 0x0a, 0x0d, 0x0a,
    ]),
  ]) {
    const connection = await rawConnection(node.url)
    connection.write(bytes)
    assertRawProblem(await connection.reply(), 'invalid_request')
    await connection.closed()
  }
})

test('a chunked body that breaks off or is no chunked body records nothing', async () => {
  const head = `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n`
  for (const chunks of [
    'zz\r\n',
    `11\r\n${EVENT}X`,
    '-1\r\n\r\n',
    'FFFFFFFFFFFFFFFFFF\r\n',
    '5\r\nhello world\r\n',
  ]) {
    assertRawProblem(await answerTo(head, chunks), 'invalid_request')
  }
  for (const part of [
    `${head}11\r\n${EVENT}\r\n`,
    `${JSON_HEAD}content-length: 100\r\n\r\n${EVENT}`,
  ]) {
    const connection = await rawConnection(node.url)
    connection.write(part)
    connection.destroy()
    await connection.closed()
  }
})

test('a request that is whole in spite of odd chunks and pipelining is answered, in order', async () => {
  const chunked = `${JSON_HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{\r\n10\r\n"endpoint":"/x"}\r\n0\r\n\r\n`
  const plain = `${JSON_HEAD}content-length: ${EVENT.length}\r\n\r\n${EVENT}`
  const bad = `${JSON_HEAD}content-length: 2\r\n\r\n{}`
  const connection = await rawConnection(node.url)
  connection.write(chunked + bad + plain)
  const replies = [await connection.reply(), await connection.reply(), await connection.reply()]
  assert.deepEqual(
    replies.map((reply) => reply?.status),
    [200, 400, 200],
  )
  assert.deepEqual(
    [replies[0], replies[2]].map((reply) => JSON.parse(reply!.body).seq),
    [2, 3],
  )
  connection.destroy()
  expectedSeq = 3
})

test('a connection outlives what it asked wrongly', async () => {
  const connection = await rawConnection(node.url)
  const ask = async (body: string, code: ProblemCode) => {
    connection.write(`${JSON_HEAD}content-length: ${body.length}\r\n\r\n${body}`)
    assertRawProblem(await connection.reply(), code)
  }
  for (const body of ['[]', '"x"', '{}', '', '{"endpoint":1}']) await ask(body, 'invalid_request')
  for (const body of ['{', '{"endpoint":"/x"']) await ask(body, 'malformed_json')
  connection.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.equal((await connection.reply())?.status, 200)
  connection.destroy()
})

test('content that is not JSON is refused by its type', async () => {
  const types = [
    'text/plain',
    'text/html; charset=utf-8',
    'application/xml',
    'application/x-www-form-urlencoded',
  ]
  types.push(
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'json',
    '*/*',
    'application/json/x',
    ';',
  )
  for (const type of types) {
    const sent = {
      method: 'POST',
      path: '/api/track',
      headers: { 'content-type': type },
      body: EVENT,
    }
    const reply = await send(node.url, key, sent)
    assert.equal(reply.body.code, 'unsupported_media_type', type)
    assert.equal(reply.status, 415)
  }
  const untyped = await answerTo(`${HEAD}content-length: 17\r\n\r\n${EVENT}`)
  assertRawProblem(untyped, 'unsupported_media_type')
})

test('a body that says it is compressed is not taken for one that is not', async () => {
  const gzip = Buffer.from('1f8b0800000000000003ab562a2e29cacc4b57b2520200', 'hex')
  const head = `${JSON_HEAD}content-encoding: gzip\r\ncontent-length: ${gzip.length}\r\n\r\n`
  assertRawProblem(await answerTo(head, gzip), 'malformed_json')
})

test('the last of two equal fields counts, as everywhere in JavaScript', async () => {
  const body = '{"endpoint":"/first","endpoint":"/x","idempotency_key":"twice"}'
  expectStatus(await node.call('POST', '/api/track', key, body), 200)
  expectedSeq += 1
  const again = await node.call('POST', '/api/track', key, {
    endpoint: '/x',
    idempotency_key: 'twice',
  })
  assert.equal(again.body.replayed, true)
})
