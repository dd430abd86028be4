import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type RawConnection, rawConnection } from '../../test/api-raw.ts'
import { HEADERS_BYTES_MAX, HEADERS_COUNT_MAX } from '../limits.ts'
import { answerBrokenRequest } from './broken-request.ts'
import { createServer, type Patience } from './create-server.ts'

const SHORT = 150
const LONG = 60_000
const answer: RequestListener = (request, response) => {
  request.resume().on('end', () => response.end('ok'))
}

async function serverWith(t: TestContext, patience: Partial<Patience>): Promise<string> {
  const usual = { headers: LONG, request: LONG, idle: LONG, check: 20 }
  const server = createServer(answer, { ...usual, ...patience })
  server.on('clientError', answerBrokenRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A byte at a time, without end, as slow as it can be without being silent. */
function trickle(t: TestContext, connection: RawConnection, text: string): void {
  const timer = setInterval(() => connection.write(text), SHORT / 10)
  t.after(() => clearInterval(timer))
  void connection.closed().then(() => clearInterval(timer))
}

test('a sender whose headers do not end is cut off, however busily it sends them', async (t) => {
  const url = await serverWith(t, { headers: SHORT })
  const slow = await rawConnection(url)
  slow.write('GET / HTTP/1.1\r\nhost: x\r\nx-slow: ')
  trickle(t, slow, 'a')
  assert.equal((await slow.reply())?.status, 408)
  await slow.closed()
})

test('a sender that says nothing at all is cut off', async (t) => {
  const url = await serverWith(t, { headers: SHORT, request: SHORT })
  const silent = await rawConnection(url)
  // It may be told why; a connection with something unread does not close.
  await silent.reply()
  await silent.closed()
})

test('a sender whose body does not end is cut off', async (t) => {
  const url = await serverWith(t, { headers: SHORT, request: SHORT })
  const slow = await rawConnection(url)
  slow.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
  trickle(t, slow, 'a')
  assert.equal((await slow.reply())?.status, 408)
  await slow.closed()
})

test('a body in chunks that does not end is cut off', async (t) => {
  const url = await serverWith(t, { headers: SHORT, request: SHORT })
  const slow = await rawConnection(url)
  slow.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
  trickle(t, slow, '1\r\na\r\n')
  assert.equal((await slow.reply())?.status, 408)
  await slow.closed()
})

test('a connection that is kept alive and asks no more is closed', async (t) => {
  const url = await serverWith(t, { idle: SHORT })
  const idle = await rawConnection(url)
  idle.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.equal((await idle.reply())?.status, 200)
  await idle.closed()
})

test('headers larger than the bound are refused before they are kept', async (t) => {
  const url = await serverWith(t, {})
  const fits = await rawConnection(url)
  fits.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(HEADERS_BYTES_MAX - 200)}\r\n\r\n`)
  assert.equal((await fits.reply())?.status, 200)
  fits.destroy()
  const large = await rawConnection(url)
  large.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(HEADERS_BYTES_MAX + 1)}\r\n\r\n`)
  assert.equal((await large.reply())?.status, 431)
  await large.closed()
})

test('more headers than the bound are refused, and none is dropped unseen', async (t) => {
  const url = await serverWith(t, {})
  const post = async (count: number) => {
    const connection = await rawConnection(url)
    const headers = Array.from({ length: count - 1 }, (_, n) => `x-${n}: 1\r\n`)
    connection.write(`GET / HTTP/1.1\r\nhost: x\r\n${headers.join('')}\r\n`)
    const reply = await connection.reply()
    connection.destroy()
    return reply?.status
  }
  assert.equal(await post(HEADERS_COUNT_MAX), 200)
  for (const more of [1, 2, 50, 1_000]) assert.equal(await post(HEADERS_COUNT_MAX + more), 431)
})
