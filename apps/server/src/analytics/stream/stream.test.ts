import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { send } from '../../../test/api-request.ts'
import { type EventReader, readEvents } from '../../../test/event-stream.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { STREAMS_PER_TENANT_MAX } from '../../limits.ts'

const node = await testNode({ streamPatience: { heartbeatMs: 20, planCheckMs: 0 } })
const { pool } = node.server
after(() => node.stop())
const service = await node.service('s')

const track = (key: string, endpoint = '/x') =>
  node.call('POST', '/api/track', key, { endpoint, properties: { text: 'a\n\nb: "ü"' } })

const seqsOf = ({ events }: EventReader) => events.map(({ id }) => Number(id))

function range(from: number, through: number): number[] {
  return Array.from({ length: through - from + 1 }, (_, index) => from + index)
}

test('what happens is told at once, as the log has it', async (t) => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  const reader = await readEvents(t, node.url, key)
  const { headers, statusCode } = reader.response
  assert.equal(statusCode, 200)
  assert.equal(headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.equal(headers['cache-control'], 'no-store, no-transform')
  assert.equal(headers['x-accel-buffering'], 'no')
  assert.ok(headers['x-request-id'])
  assert.equal(headers['content-encoding'], undefined)
  const credits = { amount: 1, reason: 'test' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/credits`, credits), 201)
  expectStatus(await track(key), 200)
  expectStatus(await track(key), 402)
  await reader.until(() => reader.events.length === 3)
  const told = reader.events.map(({ event, data }) => [event, data.kind, data.reason])
  assert.deepEqual(told, [
    ['entry', 'grant', null],
    ['decision', 'call', null],
    ['decision', 'call', 'insufficient_credits'],
  ])
  const { data } = expectStatus(await node.call('GET', '/api/entries?limit=3', key), 200).body
  assert.deepEqual(
    reader.events.map((event) => event.data),
    data.toReversed(),
  )
  assert.deepEqual(
    seqsOf(reader),
    data.toReversed().map(({ seq }: { seq: number }) => seq),
  )
})

test('who connects before anything happens can go on from there', async (t) => {
  const { key } = await node.tenant()
  const first = await readEvents(t, node.url, key)
  await first.until(() => first.lastId !== null)
  first.close()
  await first.ended
  expectStatus(await track(key), 200)
  const headers = { 'last-event-id': first.lastId! }
  const second = await readEvents(t, node.url, key, { headers })
  await second.until(() => second.events.length === 1)
  assert.equal(Number(second.lastId), Number(first.lastId) + 1)
  assert.ok(second.retryMs! > 0)
})

test('a stream begins where it is told to: header, then query, then from', async (t) => {
  const { id, key } = await node.tenant()
  await sendCalls(node, service.key, id, Array(5).fill({}))
  const last = (await node.call('GET', '/api/entries?limit=1', key)).body.data[0].seq
  const begins = async (query: string, headers: Record<string, string> = {}) => {
    const reader = await readEvents(t, node.url, key, { query: `${query}&follow=false`, headers })
    await reader.ended
    return seqsOf(reader)
  }
  assert.deepEqual(await begins('?from=1'), range(1, last))
  assert.deepEqual(await begins('?from=0'), range(1, last))
  assert.deepEqual(await begins('?from=3'), range(3, last))
  assert.deepEqual(await begins(`?from=${last + 1}`), [])
  assert.deepEqual(await begins('?from=now'), [])
  assert.deepEqual(await begins('?x=&'.slice(0, 1)), [])
  assert.deepEqual(await begins('?from=1&last_event_id=4'), range(5, last))
  assert.deepEqual(await begins('?last_event_id=1', { 'last-event-id': '3' }), range(4, last))
  assert.deepEqual(await begins('?from=2', { 'last-event-id': '' }), range(2, last))
  assert.deepEqual(await begins('?from=1', { 'last-event-id': '0' }), range(1, last))
})

test('a place that is none, or beyond the log, is refused by name', async () => {
  const { key } = await node.tenant()
  const refused = async (query: string, field: string, header?: string) => {
    const headers: Record<string, string> = header === undefined ? {} : { 'last-event-id': header }
    const reply = await send(node.url, key, {
      method: 'GET',
      path: `/api/usage/stream${query}`,
      headers,
    })
    assert.equal(reply.status, 400, JSON.stringify(reply.body))
    assert.equal(reply.body.code, 'invalid_request')
    assert.equal(reply.body.errors[0].field, field)
  }
  for (const bad of [
    'x',
    '-1',
    '1.5',
    '1e3',
    ' 1x',
    '0x1',
    '9'.repeat(16),
    '999999',
    '1, 2',
    'ü',
  ]) {
    await refused('', 'last-event-id', bad === 'ü' ? '\xfc' : bad)
    await refused(`?last_event_id=${encodeURIComponent(bad)}`, 'last_event_id')
    await refused(`?from=${encodeURIComponent(bad)}`, 'from')
  }
  await refused('?follow=maybe', 'follow')
  await refused('?since=1', 'since')
})

test('HEAD tells of a stream without opening one', async () => {
  const { key } = await node.tenant()
  for (let call = 0; call < STREAMS_PER_TENANT_MAX + 2; call += 1) {
    const reply = await send(node.url, key, { method: 'HEAD', path: '/api/usage/stream' })
    assert.equal(reply.status, 200)
    assert.match(reply.headers.get('content-type')!, /event-stream/)
  }
})

test('a tenant has so many streams and not one more, and one that goes makes room', async (t) => {
  const { key } = await node.tenant()
  const other = await node.tenant()
  const open = () => readEvents(t, node.url, key)
  const readers = await Promise.all(Array.from({ length: STREAMS_PER_TENANT_MAX }, open))
  assert.ok(readers.every(({ response }) => response.statusCode === 200))
  const reply = await node.call('GET', '/api/usage/stream', key)
  assert.equal(reply.status, 429)
  assert.equal(reply.body.code, 'too_many_streams')
  assert.ok(Number(reply.headers.get('retry-after')) > 0)
  assert.equal((await readEvents(t, node.url, other.key)).response.statusCode, 200)
  expectStatus(await track(key), 200)
  await Promise.all(readers.map((reader) => reader.until(() => reader.events.length === 1)))
  readers[0]!.close()
  for (;;) {
    const again = await open()
    if (again.response.statusCode === 200) return
  }
})

test('a quiet stream says that it is there', async (t) => {
  const { key } = await node.tenant()
  const reader = await readEvents(t, node.url, key)
  await reader.until(() => reader.comments > 3)
  assert.deepEqual(reader.events, [])
})

test('a tenant hears nothing of another, and operators of whom they ask', async (t) => {
  const [mine, theirs] = [await node.tenant(), await node.tenant({ plan: 'free' })]
  const own = await readEvents(t, node.url, mine.key)
  const path = `/api/admin/tenants/${theirs.id}/usage/stream`
  const operator = await readEvents(t, node.url, node.operatorKey, { path })
  expectStatus(await track(theirs.key, '/theirs'), 200)
  expectStatus(await track(mine.key, '/mine'), 200)
  await operator.until(() => operator.events.length > 0)
  await own.until(() => own.events.length > 0)
  assert.equal(own.events[0]!.data.endpoint, '/mine')
  assert.equal(operator.events[0]!.data.endpoint, '/theirs')
  const foreign = await node.call('GET', `/api/usage/stream?tenant_id=${theirs.id}`, mine.key)
  assert.equal(foreign.status, 404)
})

async function endOf(reader: EventReader): Promise<string> {
  await reader.ended
  const last = reader.events.at(-1)!
  assert.equal(last.event, 'dropped')
  assert.equal(last.id, null, 'where to go on does not change')
  return last.data.reason
}

test('a key that is revoked, and a person who is removed, hear no more', async (t) => {
  const { id, key } = await node.tenant()
  const owner = await signedIn(node, 'owner', id)
  const { accessToken, memberId } = await developerOf(id)
  const readers = await Promise.all(
    [key, accessToken].map((bearer) => readEvents(t, node.url, bearer)),
  )
  const { data } = (await node.admin('GET', `/api/admin/tenants/${id}/keys`)).body
  expectStatus(await node.call('DELETE', `/api/keys/${data[0].key_id}`, owner.accessToken), 204)
  expectStatus(await node.call('DELETE', `/api/members/${memberId}`, owner.accessToken), 204)
  assert.deepEqual(await Promise.all(readers.map(endOf)), ['unauthorized', 'unauthorized'])
})

async function developerOf(tenantId: string): Promise<{ accessToken: string; memberId: string }> {
  const { accessToken } = await signedIn(node, 'developer', tenantId)
  const me = expectStatus(await node.call('GET', '/auth/me', accessToken), 200)
  return { accessToken, memberId: me.body.member.member_id }
}

test('a plan without live streams ends those of the tenant, and not those of its operators', async (t) => {
  const { id, key } = await node.tenant({ plan: 'pro' })
  const path = `/api/admin/tenants/${id}/usage/stream`
  const operator = await readEvents(t, node.url, node.operatorKey, { path })
  const own = await readEvents(t, node.url, key)
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { plan: 'free' }), 200)
  assert.equal(await endOf(own), 'plan_feature_required')
  assert.deepEqual(
    operator.events.map(({ event, data }) => [event, data.kind]),
    [['entry', 'change']],
  )
})

test('lines that are gone are told of, wherever they are', async (t) => {
  const { id, key } = await node.tenant()
  await sendCalls(node, service.key, id, Array(8).fill({}))
  const forget = (what: string) =>
    pool.query(
      `DELETE FROM entry AS e USING tenant AS t
       WHERE t.tenant_id = $1 AND t.tenant_no = e.tenant_no AND ${what}`,
      [id],
    )
  await forget('e.seq < 3')
  await forget('e.seq = 5')
  await forget('e.seq > 7')
  const reader = await readEvents(t, node.url, key, { query: '?from=1&follow=false' })
  await reader.ended
  const told = reader.events.map(({ event, data }) =>
    event === 'gap' ? [data.from, data.through] : data.seq,
  )
  const last = (await node.admin('GET', `/api/admin/tenants/${id}`)).body.seq
  assert.deepEqual(told, [[1, 2], 3, 4, [5, 5], 6, 7, [8, last]])
  assert.equal(Number(reader.lastId), last)
})

test('who goes leaves nothing behind', async (t: TestContext) => {
  const { key } = await node.tenant()
  for (let round = 0; round < 3 * STREAMS_PER_TENANT_MAX; round += 1) {
    const reader = await readEvents(t, node.url, key)
    // Those that went a moment ago may still be there.
    if (reader.response.statusCode !== 200) round -= 1
    reader.close()
    await reader.ended
  }
})
