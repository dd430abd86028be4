import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ReplyReader } from './reply.ts'

const BODY = '{"decision":"allowed"}'
const REPLY = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-LENGTH: ${BODY.length}\r\n\r\n${BODY}`

test('a reply is complete with its last byte, wherever it was cut', () => {
  const bytes = Buffer.from(REPLY)
  const reader = new ReplyReader()
  for (let cut = 1; cut < bytes.length; cut++) {
    assert.equal(reader.read(bytes.subarray(0, cut), cut), null, `cut at ${cut}`)
    const rest = bytes.subarray(cut)
    const reply = reader.read(rest, rest.length)
    assert.ok(reply !== null)
    assert.equal(reply.status, 200)
    assert.equal(reply.bytes.toString('latin1', reply.bodyStart, reply.bodyEnd), BODY)
  }
})

test('a reply that comes byte by byte is read, and the next one on the same connection too', () => {
  const reader = new ReplyReader()
  for (let time = 0; time < 2; time++) {
    const replies = [...Buffer.from(REPLY)].map((byte) => reader.read(Buffer.of(byte), 1))
    assert.equal(replies.filter((reply) => reply !== null).length, 1)
    assert.notEqual(replies.at(-1), null)
  }
})

test('a status that is not 200 is told', () => {
  const bytes = Buffer.from('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n')
  assert.equal(new ReplyReader().read(bytes, bytes.length)?.status, 503)
})

test('what this reader does not understand is an error, not a wrong count', () => {
  const chunked = Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
  assert.throws(() => new ReplyReader().read(chunked, chunked.length), /without Content-Length/)
  const twice = Buffer.from(REPLY + REPLY)
  assert.throws(() => new ReplyReader().read(twice, twice.length), /more bytes/)
})
