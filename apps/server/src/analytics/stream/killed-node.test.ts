import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import { startServing, type TollgateProcess } from '../../../test/api-process.ts'
import { testDatabase } from '../../../test/database.ts'
import { type EventReader, readEvents } from '../../../test/event-stream.ts'
import { expectStatus, nodeOn, OPERATOR_KEY } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'

const database = await testDatabase()
after(() => database.drop())
const staying = await nodeOn(database)
after(() => staying.stop())
const service = await staying.service('s')
const env = { DATABASE_URL: database.url, TOLLGATE_OPERATOR_KEY: OPERATOR_KEY }

async function kill({ child, ended }: TollgateProcess): Promise<void> {
  assert.ok(child.kill('SIGKILL'))
  await Promise.all([once(child, 'exit'), ended])
}

async function lastSeq(id: string): Promise<number> {
  return expectStatus(await staying.admin('GET', `/api/admin/tenants/${id}`), 200).body.seq
}

/** As browsers do: from the last whole event on. */
async function readOn(
  t: Parameters<typeof readEvents>[0],
  url: string,
  key: string,
  before: EventReader | null,
  query = '?from=1',
): Promise<EventReader> {
  const headers: Record<string, string> =
    before?.lastId == null ? {} : { 'last-event-id': before.lastId }
  const reader = await readEvents(t, url, key, { query, headers })
  reader.lastId ??= before?.lastId ?? null
  return reader
}

test('killed nodes: who goes on elsewhere from the last event has every line once and in order', async (t) => {
  const { id, key } = await staying.tenant()
  const calls = (count: number) => sendCalls(staying, service.key, id, Array(count).fill({}))
  await calls(600)
  const lines = await lastSeq(id)
  const nodes = await Promise.all([startServing(t, env), startServing(t, env)])
  const readers: EventReader[] = []
  let reader: EventReader | null = null
  const told = () => readers.flatMap(({ events }) => events.map(({ data }) => data.seq as number))
  // In the middle of what there was before, with pages to come; and when it is told what happens now.
  for (const [index, node] of nodes.entries()) {
    const next = await readOn(t, node.url, key, reader)
    reader = next
    readers.push(next)
    const isLive = index === 1
    await next.until(() => (isLive ? told().length >= lines : next.events.length >= 120))
    const writing = isLive ? calls(200) : null
    if (isLive) await next.until(() => told().length >= lines + 20)
    await kill(node)
    await next.ended
    assert.ok(
      !next.events.some(({ event }) => event === 'dropped'),
      'it had no time for last words',
    )
    await writing
  }
  await calls(30)
  const rest = await readOn(t, staying.url, key, reader, '?follow=false')
  readers.push(rest)
  await rest.ended
  const last = await lastSeq(id)
  assert.deepEqual(
    told(),
    Array.from({ length: last }, (_, index) => index + 1),
  )
})

test('what a killed node had recorded and told nobody is told by the others', async (t) => {
  const node = await startServing(t, env)
  const { id, key } = await staying.tenant()
  const here = await readEvents(t, staying.url, key, { query: '?from=1' })
  const there = await readEvents(t, node.url, key, { query: '?from=1' })
  const send = (number: number) =>
    fetch(`${node.url}/api/track`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ tenant_id: id, endpoint: '/x', idempotency_key: `call-${number}` }),
    })
      .then((reply) => reply.json() as Promise<{ seq: number }>)
      .catch(() => null)
  const answers = Array.from({ length: 200 }, (_, number) => send(number))
  await there.until(() => there.events.length >= 3)
  await kill(node)
  const acknowledged = (await Promise.all(answers)).filter((answer) => answer !== null)
  const last = await lastSeq(id)
  await here.until(() => here.events.length >= last)
  const seqs = here.events.map(({ data }) => data.seq as number)
  assert.deepEqual(
    seqs,
    Array.from({ length: last }, (_, index) => index + 1),
  )
  for (const { seq } of acknowledged) assert.ok(seqs.includes(seq), `line ${seq} was acknowledged`)
  const rest = await readOn(t, staying.url, key, there, '?follow=false')
  await rest.ended
  const all = [...there.events, ...rest.events].map(({ data }) => data.seq as number)
  assert.deepEqual(all, seqs)
})
