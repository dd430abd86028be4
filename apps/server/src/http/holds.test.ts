import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'

const NOON = '2026-03-10T12:00:00Z'
const MINUTE_MS = 60_000
const clock = handClock(NOON)
const node = watched(await testNode({ clock }))
after(() => node.stop())

async function tenantWith(credits: number) {
  clock.set(NOON)
  const tenant = await node.tenant({ plan: 'prepaid' })
  const given = { amount: credits, reason: 'test' }
  expectStatus(await node.admin('POST', `/api/admin/tenants/${tenant.id}/credits`, given), 201)
  const post = (path: string, body?: unknown) => node.call('POST', path, tenant.key, body)
  return {
    ...tenant,
    hold: (more: object) => post('/api/holds', { credits: 10, ...more }),
    settle: (hold: string, credits: number, more = {}) =>
      post(`/api/holds/${hold}/settle`, { credits, ...more }),
    release: (hold: string) => post(`/api/holds/${hold}/release`),
    track: (credits: number) => post('/api/track', { endpoint: '/x', credits_used: credits }),
    credits: async () => (await node.call('GET', '/api/quota', tenant.key)).body.credits,
  }
}

test('held credits are set aside: nobody else can spend them, and they stay in the balance', async () => {
  const { hold, track, credits } = await tenantWith(15)
  const { body } = expectStatus(await hold({}), 201)
  assert.equal(body.status, 'held')
  assert.equal(body.expires_at, '2026-03-10T12:15:00.000Z')
  assert.deepEqual(body.credits, { held: 10, charged: 0, remaining: 5 })
  assert.deepEqual(await credits(), { required: true, balance: 15, held: 10, remaining: 5 })
  expectStatus(await track(6), 402)
  expectStatus(await track(5), 200)
  assertProblem(await hold({ credits: 1 }), 'insufficient_credits')
})

test('settling charges what the work cost and frees the rest; again, it answers the same', async () => {
  const { hold, settle, credits } = await tenantWith(15)
  const { hold_id } = (await hold({})).body
  const first = expectStatus(await settle(hold_id, 7.5), 200)
  assert.equal(first.body.status, 'settled')
  assert.deepEqual(first.body.credits, { held: 10, charged: 7.5, remaining: 7.5 })
  const again = expectStatus(await settle(hold_id, 7.5), 200)
  assert.deepEqual(again.body, { ...first.body, replayed: true })
  assert.deepEqual(await credits(), { required: true, balance: 7.5, held: 0, remaining: 7.5 })
})

test('releasing frees all; again, it answers the same', async () => {
  const { hold, release, credits } = await tenantWith(15)
  const { hold_id } = (await hold({})).body
  const first = expectStatus(await release(hold_id), 200)
  assert.equal(first.body.status, 'released')
  assert.deepEqual(first.body.credits, { held: 10, charged: 0, remaining: 15 })
  assert.deepEqual((await release(hold_id)).body, { ...first.body, replayed: true })
  assert.equal((await credits()).held, 0)
})

test('a hold that was closed one way cannot be closed another way', async () => {
  const { hold, settle, release, credits } = await tenantWith(30)
  const settled = (await hold({})).body.hold_id
  expectStatus(await settle(settled, 4), 200)
  assertProblem(await settle(settled, 5), 'hold_not_open')
  assertProblem(await release(settled), 'hold_not_open')
  const released = (await hold({})).body.hold_id
  expectStatus(await release(released), 200)
  assertProblem(await settle(released, 0), 'hold_not_open')
  assert.equal((await credits()).balance, 26)
})

test('more than was held is charged only where that is allowed and the credits are there', async () => {
  const { hold, settle, credits } = await tenantWith(15)
  const { hold_id } = (await hold({})).body
  assertProblem(await settle(hold_id, 11), 'settlement_exceeds_hold')
  assertProblem(await settle(hold_id, 16, { allow_more: true }), 'insufficient_credits')
  assert.equal((await credits()).held, 10, 'a settlement that is refused leaves the hold open')
  const { body } = expectStatus(await settle(hold_id, 12, { allow_more: true }), 200)
  assert.deepEqual(body.credits, { held: 10, charged: 12, remaining: 3 })
})

test('a hold frees itself when it expires, not a moment before', async () => {
  const { hold, settle, release, track, credits } = await tenantWith(10)
  const { hold_id, expires_at } = (await hold({ expires_in_seconds: 60 })).body
  assert.equal(expires_at, '2026-03-10T12:01:00.000Z')
  clock.advance(MINUTE_MS - 1)
  expectStatus(await track(1), 402)
  assert.equal((await credits()).held, 10)
  clock.advance(1)
  assert.deepEqual(await credits(), { required: true, balance: 10, held: 0, remaining: 10 })
  expectStatus(await track(1), 200)
  assertProblem(await settle(hold_id, 1), 'hold_not_open')
  assertProblem(await release(hold_id), 'hold_not_open')
  assert.equal((await credits()).balance, 9)
})

test('the same hold sent again is one hold; another body under its key is a conflict', async () => {
  const { hold, credits } = await tenantWith(100)
  const first = expectStatus(await hold({ idempotency_key: 'job-1' }), 201)
  clock.advance(MINUTE_MS)
  const again = expectStatus(await hold({ idempotency_key: 'job-1' }), 201)
  assert.deepEqual(again.body, { ...first.body, replayed: true })
  assertProblem(await hold({ idempotency_key: 'job-1', credits: 11 }), 'idempotency_conflict')
  assert.equal((await credits()).held, 10)
})

test('a settlement and a release that race: one wins, and the credits add up', async () => {
  const { hold, settle, release, credits } = await tenantWith(1_000)
  let charged = 0
  for (let round = 0; round < 20; round += 1) {
    const { hold_id } = (await hold({})).body
    const racers = [
      () => settle(hold_id, 3),
      () => release(hold_id),
      () => settle(hold_id, 4),
      () => settle(hold_id, 3),
    ]
    const replies = await inParallel(racers, racers.length, (racer) => racer())
    const winners = replies.filter(({ status }) => status === 200)
    assert.equal(new Set(winners.map(({ body }) => body.seq)).size, 1)
    for (const loser of replies.filter(({ status }) => status !== 200))
      assertProblem(loser, 'hold_not_open')
    charged += winners[0]!.body.credits.charged
  }
  assert.deepEqual(await credits(), {
    required: true,
    balance: 1_000 - charged,
    held: 0,
    remaining: 1_000 - charged,
  })
})

test('holds that race for the same credits never promise more than there are', async () => {
  const { hold, credits } = await tenantWith(95)
  const replies = await inParallel(Array.from({ length: 30 }), 30, () => hold({}))
  assert.equal(replies.filter(({ status }) => status === 201).length, 9)
  assert.deepEqual(await credits(), { required: true, balance: 95, held: 90, remaining: 5 })
})

test('a suspended tenant gets no hold, but what was held can be settled', async () => {
  const { id, hold, settle } = await tenantWith(100)
  const { hold_id } = (await hold({})).body
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { status: 'suspended' }), 200)
  assertProblem(await hold({}), 'forbidden')
  expectStatus(await settle(hold_id, 10), 200)
})

test('a service holds and settles for a tenant that it names', async () => {
  const { id, credits } = await tenantWith(100)
  const { key } = await node.service()
  assertProblem(
    await node.call('POST', '/api/holds', key, { credits: 1 }),
    'invalid_request',
    'tenant_id',
  )
  const made = expectStatus(
    await node.call('POST', '/api/holds', key, { tenant_id: id, credits: 10 }),
    201,
  )
  expectStatus(
    await node.call('POST', `/api/holds/${made.body.hold_id}/settle`, key, { credits: 10 }),
    200,
  )
  assert.equal((await credits()).balance, 90)
})

test('a hold that was denied is no hold', async () => {
  const { id, hold, release } = await tenantWith(5)
  assertProblem(await hold({}), 'insufficient_credits')
  const [denied] = (await node.admin('GET', `/api/entries?tenant_id=${id}&limit=1`)).body.data
  assert.equal(denied.kind, 'hold')
  assertProblem(await release(denied.event_id.replace('evt_', 'hld_')), 'not_found')
})
