import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../../../test/database.ts'
import { type EventReader, readEvents } from '../../../test/event-stream.ts'
import { expectStatus, nodeOn } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const database = await testDatabase()
after(() => database.drop())
const usual = () => nodeOn(database)
const nodes = [await usual(), await usual(), await usual()] as const
after(() => Promise.all(nodes.map((node) => node.stop())))
const [first, second] = nodes
const service = await first.service('s')

function assertWhole(seqs: readonly number[], from: number): void {
  for (const [index, seq] of seqs.entries()) assert.equal(seq, from + index)
}

const seqsOf = (readers: readonly EventReader[]) =>
  readers.flatMap(({ events }) =>
    events.filter(({ event }) => event !== 'dropped').map(({ data }) => data.seq as number),
  )

test('each node tells what all of them write, each line once and in order', async (t) => {
  const { id, key } = await first.tenant()
  const readers = await Promise.all(nodes.map((node) => readEvents(t, node.url, key)))
  await Promise.all(
    nodes.flatMap((node, index) =>
      Array.from({ length: 4 }, () => sendCalls(node, service.key, id, Array(25 + index).fill({}))),
    ),
  )
  const sent = 4 * (25 + 26 + 27)
  for (const reader of readers) {
    await reader.until(() => reader.events.length >= sent)
    assertWhole(seqsOf([reader]), seqsOf([reader])[0]!)
    assert.equal(reader.events.length, sent)
  }
})

test('whatever node dies, and when, a reader gets every line once and in order', async (t) => {
  const { id, key } = await first.tenant()
  const calls = 1_500
  const writing = (async () => {
    for (let sent = 0; sent < calls; sent += 50) {
      await sendCalls(first, service.key, id, Array(50).fill({}))
    }
  })()
  const begin = await readEvents(t, second.url, key, { query: '?from=1' })
  const readers: EventReader[] = [begin]
  let reader = begin
  for (let round = 0; round < 8; round += 1) {
    // In the middle of whatever it is doing: its sockets are gone, or its readers are told to go.
    const node = await nodeOn(database)
    reader.close()
    await reader.ended
    const headers: Record<string, string> =
      reader.lastId === null ? {} : { 'last-event-id': reader.lastId }
    const next = await readEvents(t, node.url, key, { query: '?from=1', headers })
    next.lastId ??= reader.lastId
    reader = next
    readers.push(next)
    const some = (round * 53 + 11) % 120
    const all = () => seqsOf(readers).length
    const wanted = all() + some
    await next.until(() => next.events.length >= some || all() >= calls)
    assert.ok(all() >= Math.min(wanted, calls))
    if (round % 2 === 0) node.server.app.server.closeAllConnections()
    const stopped = node.stop()
    await next.ended
    await stopped
    if (round % 2 === 1) assert.equal(next.events.at(-1)?.data.reason, 'stopping')
  }
  await writing
  const headers = { 'last-event-id': reader.lastId! }
  const rest = await readEvents(t, second.url, key, { query: '?follow=false', headers })
  await rest.ended
  const seqs = seqsOf([...readers, rest])
  assertWhole(seqs, 1)
  const last = (await first.admin('GET', `/api/admin/tenants/${id}`)).body.seq
  assert.equal(seqs.at(-1), last)
})

test('who does not read is cut off, others are not, and nothing is lost', async (t) => {
  const { id, key } = await first.tenant()
  const large = { properties: { text: 'x'.repeat(3_900) } }
  // More than sockets hold on the way.
  for (let sent = 0; sent < 3; sent += 1) {
    await sendCalls(first, service.key, id, Array(1_000).fill(large))
  }
  const other = await readEvents(t, first.url, key)
  await other.until(() => other.lastId !== null)
  // On a node of its own, to see its connection go.
  const node = await nodeOn(database, { streamPatience: { slowMs: 50, lastWordsMs: 50 } })
  t.after(() => node.stop())
  const { server } = node.server.app
  const cut = new Promise((resolve) => {
    server.once('connection', (socket) => socket.once('close', resolve))
  })
  await readEvents(t, node.url, key, { query: '?from=1' }, true)
  await cut
  expectStatus(await first.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  await other.until(() => other.events.length === 1)
  const all = await readEvents(t, first.url, key, { query: '?from=1&follow=false' })
  await all.ended
  assertWhole(seqsOf([all]), 1)
  assert.ok(all.events.length > 3_000)
})
