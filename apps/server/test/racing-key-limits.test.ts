import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { keyLimitsAt, limitKey } from '../src/ledger/key-limits.ts'
import { watched } from './api-contract.ts'
import { inParallel, shuffled } from './api-parallel.ts'
import { STRUCTURED, send } from './api-request.ts'
import { differencesIn } from './api-verify.ts'
import { testDatabase } from './database.ts'
import { expectStatus, handClock, nodeOn, type Reply } from './node.ts'

const CALLS = 300
const LIMIT = 100
const AT_ONCE = 64

const database = await testDatabase()
const clock = handClock(Date.parse('2026-03-14T09:26:53Z'))
const first = watched(await nodeOn(database, { clock }))
const second = watched(await nodeOn(database, { clock }))
const nodes = [first, second]
const { pool, ledger, catalog } = first.server
after(async () => {
  await Promise.all([first.stop(), second.stop()])
  await database.drop()
})

type Key = { key: string; keyNo: number }
type Tenant = { id: string; tenantNo: number; keys: [Key, Key] }

/** A tenant with two keys. */
async function tenantOn(plan: string): Promise<Tenant> {
  const { id, key } = await first.tenant({ plan })
  const path = `/api/admin/tenants/${id}/keys`
  const other = expectStatus(await first.admin('POST', path), 201).body.key as string
  const { rows } = await pool.query<{ tenant_no: number; key_no: number }>(
    `SELECT t.tenant_no, k.key_no FROM tenant AS t JOIN api_key AS k USING (tenant_no)
     WHERE t.tenant_id = $1 ORDER BY k.key_no`,
    [id],
  )
  const [one, two] = rows.map(({ key_no }) => key_no) as [number, number]
  const keys: [Key, Key] = [
    { key, keyNo: one },
    { key: other, keyNo: two },
  ]
  return { id, tenantNo: rows[0]!.tenant_no, keys }
}

async function limited(plan: string, limit = LIMIT): Promise<Tenant> {
  const tenant = await tenantOn(plan)
  await limitKey(ledger, tenant.tenantNo, null, tenant.keys[0].keyNo, limit)
  return tenant
}

const ask = (key: string, body: object = {}, node = first) =>
  node.call('POST', '/api/track', key, { endpoint: '/work', ...body })

/** Each of the keys sends `CALLS` calls, mixed, by turns to both nodes. */
function race(keys: Key[]): Promise<{ keyNo: number; reply: Reply }[]> {
  const calls = shuffled(
    keys.flatMap((key) => Array.from({ length: CALLS }, () => key)),
    3,
  )
  return inParallel(calls, AT_ONCE, async ({ key, keyNo }, index) => ({
    keyNo,
    reply: await ask(key, {}, nodes[index % nodes.length]!),
  }))
}

function allowedOf(answers: { keyNo: number; reply: Reply }[], keyNo: number): Reply[] {
  return answers.flatMap((answer) =>
    answer.keyNo === keyNo && answer.reply.status === 200 ? [answer.reply] : [],
  )
}

async function usedBy({ tenantNo }: Tenant): Promise<number[]> {
  const limits = await keyLimitsAt(pool, catalog, tenantNo, clock.now())
  return limits.map(({ used }) => Number(used) / 1e6)
}

test('300 racing calls on two nodes against a limit of 100: exactly 100 are allowed', async () => {
  const tenant = await limited('enterprise')
  const [limitedKey] = tenant.keys
  const answers = await race([limitedKey])
  assert.equal(allowedOf(answers, limitedKey.keyNo).length, LIMIT)
  for (const { reply } of answers) {
    const { reason, key_limit } = reply.body
    assert.ok(reply.status === 200 || reply.status === 429, JSON.stringify(reply.body))
    assert.equal(reason, reply.status === 200 ? null : 'key_limit_exceeded')
    assert.deepEqual([key_limit.limit, key_limit.used + key_limit.remaining], [LIMIT, LIMIT])
  }
  assert.deepEqual(await usedBy(tenant), [LIMIT])
  assert.deepEqual(await differencesIn(database.url), [])
})

test('a key without a limit that races beside it is not held back, and the quota of all holds over both', async () => {
  // The free plan has a quota of 100: here a key's own limit is 30 of them.
  const tenant = await limited('free', 30)
  const [limitedKey, freeKey] = tenant.keys
  const answers = await race([limitedKey, freeKey])
  const allowed = tenant.keys.map(({ keyNo }) => allowedOf(answers, keyNo).length) as [
    number,
    number,
  ]
  assert.equal(allowed[0] + allowed[1], 100)
  assert.ok(allowed[0] <= 30, `${allowed}`)
  assert.deepEqual(await usedBy(tenant), [allowed[0]])
  const reasons = new Set(answers.map(({ reply }) => reply.body.reason))
  assert.ok(reasons.has('quota_exceeded'))
  assert.ok(
    answers.every(
      ({ keyNo, reply }) => keyNo === limitedKey.keyNo || reply.body.key_limit === undefined,
    ),
  )
  assert.deepEqual(await differencesIn(database.url), [])
})

test('two keys of one tenant, each with a limit, use each its own', async () => {
  const tenant = await limited('enterprise')
  const [one, two] = tenant.keys
  await limitKey(ledger, tenant.tenantNo, null, two.keyNo, 70)
  const answers = await race([one, two])
  assert.equal(allowedOf(answers, one.keyNo).length, LIMIT)
  assert.equal(allowedOf(answers, two.keyNo).length, 70)
  assert.deepEqual(await usedBy(tenant), [LIMIT, 70])
  const quota = await second.call('GET', '/api/quota', one.key)
  assert.equal(quota.body.quota.used, LIMIT + 70)
})

test('a batch is allowed up to the limit and denied from there on, event by event', async () => {
  const { keys } = await limited('enterprise', 5)
  const events = Array.from({ length: 8 }, () => ({ endpoint: '/work' }))
  const reply = expectStatus(await second.call('POST', '/api/track', keys[0].key, events), 200)
  const results = reply.body.results as Reply['body'][]
  assert.deepEqual(
    results.map(({ status }) => status),
    [200, 200, 200, 200, 200, 429, 429, 429],
  )
  assert.deepEqual(
    results.map(({ key_limit }) => key_limit.remaining),
    [4, 3, 2, 1, 0, 0, 0, 0],
  )
})

test('what is denied says until when; what is asked again under its key is told the same, also after the limit is gone', async () => {
  const tenant = await limited('enterprise', 1)
  const [{ key, keyNo }] = tenant.keys
  const event = { idempotency_key: 'denied' }
  assert.equal((await ask(key)).status, 200)
  const denied = expectStatus(await ask(key, event), 429)
  const { resets_at } = denied.body.key_limit
  assert.deepEqual(denied.body.key_limit, { limit: 1, used: 1, remaining: 0, resets_at })
  assert.equal(resets_at, denied.body.quota.resets_at)
  const seconds = Math.ceil((Date.parse(resets_at) - clock.now()) / 1_000)
  assert.equal(denied.headers.get('retry-after'), String(seconds))

  const again = expectStatus(await ask(key, event, second), 429)
  assert.deepEqual(again.body, { ...denied.body, replayed: true })
  await limitKey(ledger, tenant.tenantNo, null, keyNo, null)
  const { key_limit: _gone, ...rest } = denied.body
  const later = expectStatus(await ask(key, event), 429)
  assert.deepEqual(later.body, { ...rest, replayed: true })
  assert.ok(later.headers.get('retry-after'))
  assert.equal((await ask(key)).status, 200)
})

test('a limit that one node sets holds on the other from the next call on', async () => {
  const tenant = await tenantOn('enterprise')
  const [{ key, keyNo }] = tenant.keys
  // Both have the account at hand before anything changes.
  for (const node of nodes) expectStatus(await ask(key, {}, node), 200)
  await limitKey(ledger, tenant.tenantNo, null, keyNo, 0)
  assert.equal((await ask(key, {}, second)).body.reason, 'key_limit_exceeded')
  await limitKey(second.server.ledger, tenant.tenantNo, null, keyNo, 1)
  assert.equal((await ask(key)).status, 200)
  assert.equal((await ask(key)).status, 429)
})

test('a report uses of its key’s limit without being denied, and a void gives it back', async () => {
  const tenant = await limited('enterprise', 1)
  const [{ key }] = tenant.keys
  const event = { specversion: '1.0', id: 'one', source: 'svc', type: '/work' }
  const path = '/api/events'
  for (const id of ['one', 'two']) {
    const body = { ...event, id }
    const reply = await send(first.url, key, { method: 'POST', path, headers: STRUCTURED, body })
    expectStatus(reply, 204)
  }
  assert.deepEqual(await usedBy(tenant), [2])
  assert.equal((await ask(key)).status, 429)
  const { data } = (await first.call('GET', '/api/entries', key)).body
  for (const line of data.filter(({ kind }: { kind: string }) => kind === 'report')) {
    const wrong = { reason: 'was wrong' }
    expectStatus(await first.admin('POST', `${path}/${line.event_id}/void`, wrong), 200)
  }
  assert.deepEqual(await usedBy(tenant), [0])
  assert.equal((await ask(key)).status, 200)
})

test('the log tells of a limit by the key’s id', async () => {
  const tenant = await limited('enterprise', 2.5)
  const [{ key }] = tenant.keys
  const [line] = (await first.call('GET', '/api/entries', key)).body.data
  const keys = (await first.admin('GET', `/api/admin/tenants/${tenant.id}/keys`)).body.data
  assert.deepEqual(line.detail, { key_id: keys[0].key_id, key_limit: 2.5 })
})

test('a limit that is no amount is refused, and lifts nothing', async () => {
  const tenant = await limited('enterprise', 1)
  const { keyNo } = tenant.keys[0]
  for (const limit of [-1, Number.NaN, Number.POSITIVE_INFINITY, 0.0000001, 1e12]) {
    const set = limitKey(ledger, tenant.tenantNo, null, keyNo, limit)
    await assert.rejects(set, { code: 'invalid_request' })
  }
  const [own] = await keyLimitsAt(pool, catalog, tenant.tenantNo, clock.now())
  assert.equal(own!.limit, 1_000_000n)
})

// Last, since the clock of both nodes is set ahead for good.
test('the turn of a period gives every key its limit anew, on both nodes', async () => {
  const tenant = await limited('enterprise', 2)
  const [{ key }] = tenant.keys
  const statuses = async () => {
    const replies = []
    for (const node of [first, second, first]) replies.push((await ask(key, {}, node)).status)
    return replies
  }
  assert.deepEqual(await statuses(), [200, 200, 429])
  const end = Date.parse((await ask(key)).body.quota.resets_at)
  clock.set(end - 1)
  assert.equal((await ask(key)).status, 429)
  clock.set(end)
  assert.deepEqual(await usedBy(tenant), [0])
  assert.deepEqual(await statuses(), [200, 200, 429])
  assert.deepEqual(await differencesIn(database.url), [])
})
