import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { STRUCTURED, send } from '../../test/api-request.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'

const NOON = '2026-03-10T12:00:00Z'
const clock = handClock(NOON)
const node = watched(await testNode({ clock }))
after(() => node.stop())
const service = await node.service()

async function tenantWith(credits: number, plan = 'prepaid') {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan })
  const give = (body: object) =>
    node.admin('POST', `/api/admin/tenants/${id}/credits`, { reason: 'test', ...body })
  if (credits > 0) expectStatus(await give({ amount: credits }), 201)
  return {
    id,
    key,
    give,
    track: (more: object = {}) => node.call('POST', '/api/track', key, { endpoint: '/x', ...more }),
    quota: async () => (await node.call('GET', '/api/quota', key)).body,
  }
}

const voided = (eventId: string, reason = 'sent by mistake') =>
  node.call('POST', `/api/events/${eventId}/void`, service.key, { reason })

test('a void gives credits and quota back, by a line of its own that says why', async () => {
  const { key, track, quota } = await tenantWith(10)
  const call = await track({ credits_used: 4, file_size_bytes: 1_000 })
  const { status, body } = await voided(call.body.event_id)
  assert.equal(status, 200)
  assert.equal(body.voided_event_id, call.body.event_id)
  assert.deepEqual(body.credits, { refunded: 4, remaining: 10 })
  const after = await quota()
  assert.equal(after.quota.used, 0)
  assert.equal(after.credits.balance, 10)
  const [line, original] = (await node.call('GET', '/api/entries', key)).body.data
  assert.equal(line.kind, 'void')
  assert.deepEqual(line.detail, { voided_seq: call.body.seq, reason: 'sent by mistake' })
  assert.equal(original.credits.change, -4, 'the line of the call stays as it was')
})

test('a call is voided once, however many ask', async () => {
  const { track, quota } = await tenantWith(10)
  const { event_id } = (await track({ credits_used: 4 })).body
  const replies = await inParallel(['a', 'b', 'c', 'd', 'e'], 5, (reason) =>
    voided(event_id, reason),
  )
  assert.ok(replies.every(({ status }) => status === 200))
  assert.equal(replies.filter(({ body }) => !body.replayed).length, 1)
  assert.equal(new Set(replies.map(({ body }) => body.seq)).size, 1)
  assert.equal((await quota()).credits.balance, 10)
})

test('what took nothing cannot be voided: a denied call, a grant, a void', async () => {
  const { track, give } = await tenantWith(1)
  const grant = await give({ amount: 1 })
  const call = await track()
  const denied = expectStatus(await track({ credits_used: 100 }), 402)
  const compensation = await voided(call.body.event_id)
  for (const { body } of [denied, grant, compensation]) {
    assertProblem(await voided(body.event_id), 'not_voidable')
  }
  assertProblem(await voided('evt_00000zz0000000001'), 'not_found')
  assertProblem(await voided('evt_'), 'not_found')
})

test('a tenant cannot void what it owes', async () => {
  const { key, track } = await tenantWith(10)
  const { event_id } = (await track()).body
  assertProblem(
    await node.call('POST', `/api/events/${event_id}/void`, key, { reason: 'x' }),
    'forbidden',
  )
})

test('a void takes back the overage of a reported call, and it is no longer billed', async () => {
  const { id, key, quota } = await tenantWith(0, 'pro')
  const event = { specversion: '1.0', id: '1', source: 's', type: 't', data: { quantity: 30 } }
  const sent = { method: 'POST', path: '/api/events', headers: STRUCTURED, body: event }
  expectStatus(await send(node.url, key, sent), 204)
  const total = async () => (await node.call('GET', '/api/billing/current', key)).body.total
  assert.equal(await total(), '3.00')
  const [line] = (await node.admin('GET', `/api/entries?tenant_id=${id}&limit=1`)).body.data
  expectStatus(await voided(line.event_id), 200)
  assert.equal(await total(), '0.00')
  assert.equal((await quota()).quota.used, 0)
})

test('a call of a past period gives its credits back, and no quota of the running one', async () => {
  const { track, quota } = await tenantWith(10)
  const { event_id } = (await track({ credits_used: 4 })).body
  clock.set('2026-04-15T00:00:00Z')
  expectStatus(await track(), 200)
  expectStatus(await voided(event_id), 200)
  const { quota: used, credits } = await quota()
  assert.deepEqual([used.used, credits.balance], [1, 9])
})

test('credits are given, taken back by hand, and never below what is free', async () => {
  const { key, give, quota } = await tenantWith(10)
  const taken = expectStatus(await give({ amount: -4 }), 201)
  assert.deepEqual([taken.body.balance, taken.body.remaining], [6, 6])
  expectStatus(await node.call('POST', '/api/holds', key, { credits: 5 }), 201)
  assertProblem(await give({ amount: -2 }), 'insufficient_credits')
  expectStatus(await give({ amount: -1 }), 201)
  assert.deepEqual((await quota()).credits, { required: true, balance: 5, held: 5, remaining: 0 })
})

test('credits that are sent twice under one key are given once', async () => {
  const { give, quota } = await tenantWith(0)
  const order = { amount: 10, idempotency_key: 'payment-1', expires_at: '2026-12-31T00:00:00Z' }
  const first = expectStatus(await give(order), 201)
  const again = expectStatus(await give(order), 201)
  assert.deepEqual(again.body, { ...first.body, replayed: true })
  assertProblem(await give({ ...order, amount: 11 }), 'idempotency_conflict')
  assertProblem(
    await give({ ...order, expires_at: '2026-12-31T00:00:01Z' }),
    'idempotency_conflict',
  )
  assert.equal((await quota()).credits.balance, 10)
})

test('sent again, it is answered as at first, also when it would be refused by now', async () => {
  const { give, track } = await tenantWith(0)
  const gift = { amount: 10, idempotency_key: 'gift', expires_at: '2026-03-11T00:00:00Z' }
  const given = expectStatus(await give(gift), 201)
  const back = { amount: -6, idempotency_key: 'back' }
  const taken = expectStatus(await give(back), 201)
  expectStatus(await track({ credits_used: 4 }), 200)
  assert.deepEqual((await give(back)).body, { ...taken.body, balance: 0, replayed: true })
  clock.set('2026-03-12T00:00:00Z')
  assert.deepEqual((await give(gift)).body, { ...given.body, balance: 0, replayed: true })
})

test('credits burn by priority, then by what expires first, and lapse when they say', async () => {
  const { give, track, quota, key } = await tenantWith(0)
  await give({ amount: 1, reason: 'bought' })
  await give({ amount: 2, reason: 'gift', expires_at: '2026-03-20T00:00:00Z' })
  await give({ amount: 4, reason: 'first', priority: 1 })
  expectStatus(await track({ credits_used: 5 }), 200)
  clock.set('2026-03-19T23:59:59.999Z')
  assert.equal((await quota()).credits.balance, 2)
  clock.set('2026-03-20T00:00:00Z')
  assert.equal((await quota()).credits.balance, 1)
  expectStatus(await track(), 200)
  const kinds = (await node.call('GET', '/api/entries', key)).body.data.map(
    ({ kind, credits }: { kind: string; credits: { change: number } }) => [kind, credits.change],
  )
  assert.deepEqual(kinds.slice(0, 2), [
    ['call', -1],
    ['expiry', -1],
  ])
})

test('what makes no sense of credits is refused by name', async () => {
  const { give } = await tenantWith(0)
  assertProblem(await give({ amount: 0 }), 'invalid_request', 'amount')
  assertProblem(await give({ amount: 1, expires_at: NOON }), 'invalid_request', 'expires_at')
  assertProblem(await give({ amount: -1, priority: 1 }), 'invalid_request', 'priority')
  assertProblem(
    await give({ amount: -1, expires_at: '2027-01-01T00:00:00Z' }),
    'invalid_request',
    'expires_at',
  )
  const unknown = await node.admin('POST', '/api/admin/tenants/nobody/credits', {
    amount: 1,
    reason: 'r',
  })
  assertProblem(unknown, 'tenant_not_found')
})

test('a balance may grow beyond the largest single grant', async () => {
  const { id, give, quota } = await tenantWith(0)
  for (const reason of ['a', 'b', 'c'])
    expectStatus(await give({ amount: 1_000_000_000, reason }), 201)
  assert.equal((await quota()).credits.balance, 3_000_000_000)
  assert.equal((await node.admin('GET', `/api/admin/tenants/${id}`)).body.balance, 3_000_000_000)
})

test('credits that expire in the year 9999 are credits', async () => {
  const { key, give } = await tenantWith(0)
  expectStatus(await give({ amount: 1, expires_at: '9999-12-31T23:59:59-23:59' }), 201)
  const [line] = (await node.call('GET', '/api/entries?limit=1', key)).body.data
  assert.equal(Date.parse(line.detail.expires_at), Date.parse('9999-12-31T23:59:59-23:59'))
  assert.equal((await node.call('GET', '/api/quota', key)).body.credits.balance, 1)
})
