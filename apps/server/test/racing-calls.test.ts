import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inParallel, shuffled } from './api-parallel.ts'
import { differencesIn } from './api-verify.ts'
import { testDatabase } from './database.ts'
import { expectStatus, nodeOn, type Reply, type TestNode } from './node.ts'

const CREDITS = 951
const KEYS = 1_200
const CALLS = 2_400
const AT_ONCE = 64

const database = await testDatabase()
const first = await nodeOn(database)
const second = await nodeOn(database)
after(async () => {
  await Promise.all([first.stop(), second.stop()])
  await database.drop()
})

// Every key is used twice, so that replays race with first calls, on one node and across nodes.
const keys = Array.from({ length: CALLS }, (_, index) => `call-${index % KEYS}`)

async function prepaidTenant() {
  const tenant = await first.tenant({ plan: 'prepaid' })
  const given = { amount: CREDITS, reason: 'bought' }
  expectStatus(await first.admin('POST', `/api/admin/tenants/${tenant.id}/credits`, given), 201)
  return tenant
}

function race(
  nodes: TestNode[],
  key: string,
  seed: number,
): Promise<{ id: string; reply: Reply }[]> {
  return inParallel(shuffled(keys, seed), AT_ONCE, async (id, index) => {
    const body = { endpoint: '/work', idempotency_key: id }
    return { id, reply: await nodes[index % nodes.length]!.call('POST', '/api/track', key, body) }
  })
}

async function assertExactlyAllCreditsSpent(
  tenant: { id: string; key: string },
  answers: { id: string; reply: Reply }[],
): Promise<void> {
  const decisions = new Map<string, Set<string>>()
  for (const { id, reply } of answers) {
    assert.ok([200, 402].includes(reply.status), JSON.stringify(reply.body))
    const { decision, seq, credits } = reply.body
    const told = decisions.get(id) ?? new Set()
    decisions.set(id, told.add(JSON.stringify([decision, seq, credits])))
  }
  assert.equal(decisions.size, KEYS)
  for (const [id, told] of decisions) assert.equal(told.size, 1, `${id} was told ${[...told]}`)
  const fresh = answers.filter(({ reply }) => !reply.body.replayed)
  const allowed = fresh.filter(({ reply }) => reply.status === 200)
  assert.equal(fresh.length, KEYS)
  assert.equal(allowed.length, CREDITS)
  assert.ok(allowed.every(({ reply }) => reply.body.credits.charged === 1))

  const quota = await second.call('GET', '/api/quota', tenant.key)
  assert.equal(quota.body.credits.balance, 0)
  assert.equal(quota.body.quota.used, CREDITS)
  const { body } = await second.admin('GET', `/api/admin/tenants/${tenant.id}`)
  assert.equal(body.seq, 2 + KEYS, 'the opening, the grant, and one line for each key')
  assert.deepEqual(await differencesIn(database.url), [])
}

test('2,400 racing calls with colliding keys against 951 credits: exactly 951 are charged, each key once', async () => {
  const tenant = await prepaidTenant()
  await assertExactlyAllCreditsSpent(tenant, await race([first], tenant.key, 1))
})

test('the same on two nodes that share a database', async () => {
  const tenant = await prepaidTenant()
  await assertExactlyAllCreditsSpent(tenant, await race([first, second], tenant.key, 2))
})

test('on two nodes no two lines share a number, and none is missing', async () => {
  const tenant = await first.tenant({ plan: 'enterprise' })
  const nodes = [first, second]
  const answers = await inParallel(Array.from({ length: 400 }), AT_ONCE, (_, index) =>
    nodes[index % 2]!.call('POST', '/api/track', tenant.key, { endpoint: '/work' }),
  )
  const numbers = answers.map(({ body }) => body.seq as number).sort((a, b) => a - b)
  assert.deepEqual(
    numbers,
    Array.from({ length: 400 }, (_, index) => index + 2),
  )
})

test('what one node changes holds on the other from the next call on', async () => {
  const tenant = await prepaidTenant()
  const { id, key } = tenant
  const on = (node: TestNode) => node.call('POST', '/api/track', key, { endpoint: '/work' })
  const admin = (path: string, body: object, method = 'POST') =>
    first.admin(method, `/api/admin/tenants/${id}${path}`, body)
  // Both have the account at hand before anything changes.
  for (const node of [first, second]) expectStatus(await on(node), 200)
  expectStatus(await admin('', { status: 'suspended' }, 'PATCH'), 200)
  assert.equal((await on(second)).body.reason, 'tenant_suspended')
  expectStatus(await admin('', { status: 'active' }, 'PATCH'), 200)
  expectStatus(await on(second), 200)

  expectStatus(await admin('/credits', { amount: 3 - CREDITS, reason: 'taken back' }), 201)
  assert.equal((await on(second)).body.reason, 'insufficient_credits')
  expectStatus(await admin('/credits', { amount: 1, reason: 'given' }), 201)
  expectStatus(await on(second), 200)
  expectStatus(await on(first), 402)
})

test('a hold that one node made is settled by the other, once', async () => {
  const { key } = await prepaidTenant()
  const made = expectStatus(await first.call('POST', '/api/holds', key, { credits: 10 }), 201)
  const path = `/api/holds/${made.body.hold_id}`
  const settled = expectStatus(
    await second.call('POST', `${path}/settle`, key, { credits: 4 }),
    200,
  )
  const again = expectStatus(await first.call('POST', `${path}/settle`, key, { credits: 4 }), 200)
  assert.deepEqual(again.body, { ...settled.body, replayed: true })
  assert.equal((await first.call('POST', `${path}/release`, key)).body.code, 'hold_not_open')
  const { credits } = (await first.call('GET', '/api/quota', key)).body
  assert.deepEqual([credits.balance, credits.held], [CREDITS - 4, 0])
  assert.deepEqual(await differencesIn(database.url), [])
})
