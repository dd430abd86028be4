import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'
import { readKnowsTimeZone } from './store.ts'

const NOON = '2026-03-10T12:00:00Z'
const clock = handClock(NOON)
const node = watched(await testNode({ clock }))
after(() => node.stop())

const wanted = { name: 'Acme', email: 'ops@acme.example', plan: 'free' }
const make = (more: object = {}) => node.admin('POST', '/api/admin/tenants', { ...wanted, ...more })
const patch = (id: string, body: object) => node.admin('PATCH', `/api/admin/tenants/${id}`, body)
const read = async (id: string) => (await node.admin('GET', `/api/admin/tenants/${id}`)).body
const track = (key: string, more: object = {}) =>
  node.call('POST', '/api/track', key, { endpoint: '/x', ...more })

test('a tenant is made with an id of its own or one of ours, and can be read again', async () => {
  const named = expectStatus(
    await make({ tenant_id: 'acme', time_zone: 'Europe/Berlin', region: 'eu' }),
    201,
  )
  const { created_at, ...tenant } = named.body
  assert.ok(Date.parse(created_at) > 0)
  assert.deepEqual(tenant, {
    tenant_id: 'acme',
    name: 'Acme',
    email: 'ops@acme.example',
    plan: 'free',
    plan_version: 1,
    status: 'active',
    subscription: 'active',
    test_clock: null,
    time_zone: 'Europe/Berlin',
    region: 'eu',
    balance: 0,
    seq: 1,
  })
  assert.deepEqual(await read('acme'), named.body)
  const unnamed = expectStatus(await make(), 201)
  assert.match(unnamed.body.tenant_id, /^ten_[0-9a-f]{20}$/)
})

test('an id is taken once, also when many ask for it at once', async () => {
  const replies = await inParallel(Array.from({ length: 8 }), 8, () =>
    make({ tenant_id: 'wanted' }),
  )
  assert.equal(replies.filter(({ status }) => status === 201).length, 1)
  for (const reply of replies.filter(({ status }) => status !== 201)) {
    assertProblem(reply, 'already_exists', 'tenant_id')
  }
  assert.equal((await read('wanted')).seq, 1)
})

test('a plan, zone or e-mail that does not exist is named, with the plans that do', async () => {
  const plan = await make({ plan: 'platinum' })
  assertProblem(plan, 'invalid_request', 'plan')
  assert.match(plan.body.errors[0].message, /free.*pro|enterprise.*free/)
  assertProblem(await make({ time_zone: 'Mars/Phobos' }), 'invalid_request', 'time_zone')
  assertProblem(await make({ email: 'nobody' }), 'invalid_request', 'email')
  const all = await make({ plan: 1, name: '', colour: 'red' })
  assertProblem(all, 'invalid_request', 'plan', 'name', 'colour')
})

test('a zone must be known to PostgreSQL as well, which folds by it; how it is spelt does not matter', async () => {
  assert.equal(await readKnowsTimeZone(node.server.pool, 'America/Nowhere'), false)
  for (const [sent, kept] of [
    ['europe/berlin', 'Europe/Berlin'],
    ['US/Pacific', 'US/Pacific'],
    ['Etc/GMT+5', 'Etc/GMT+5'],
    ['Asia/Calcutta', 'Asia/Calcutta'],
  ]) {
    const made = expectStatus(await make({ time_zone: sent }), 201)
    assert.equal(made.body.time_zone, kept)
    expectStatus(await patch(made.body.tenant_id, { time_zone: 'Asia/Tokyo' }), 200)
    const back = expectStatus(await patch(made.body.tenant_id, { time_zone: sent }), 200)
    assert.equal(back.body.time_zone, kept)
  }
})

test('a new plan, status or region holds from the next call on', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'free' })
  expectStatus(await track(key, { premium: true }), 403)
  const changed = expectStatus(await patch(id, { plan: 'pro', name: 'New name' }), 200)
  assert.deepEqual([changed.body.plan, changed.body.name, changed.body.seq], ['pro', 'New name', 3])
  expectStatus(await track(key, { premium: true }), 200)
  expectStatus(await patch(id, { status: 'suspended' }), 200)
  assert.equal((await track(key)).body.reason, 'tenant_suspended')
  expectStatus(await patch(id, { status: 'active' }), 200)
  expectStatus(await track(key), 200)
})

test("calls that name no region are priced by the tenant's", async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'prepaid', region: 'eu' })
  await node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount: 100, reason: 'test' })
  const call = { service_name: 'document-api', endpoint: '/convert', method: 'POST' }
  const charged = async (more = {}) => (await track(key, { ...call, ...more })).body.credits.charged
  assert.equal(await charged(), 2.4)
  assert.equal(await charged({ region: 'us' }), 2)
  expectStatus(await patch(id, { region: null }), 200)
  assert.equal(await charged(), 2)
})

test('what was used of a period stays used when the plan changes', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'pro' })
  expectStatus(await track(key, { quantity: 100 }), 200)
  expectStatus(await patch(id, { plan: 'free' }), 200)
  assert.equal((await track(key)).body.reason, 'quota_exceeded')
})

test('another time zone leaves the running period as it is, and the next one ends by it', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'free' })
  expectStatus(await track(key), 200)
  const quota = async () => (await node.call('GET', '/api/quota', key)).body
  assert.equal((await quota()).quota.resets_at, '2026-04-10T00:00:00.000Z')
  expectStatus(await patch(id, { time_zone: 'America/New_York' }), 200)
  const { period, quota: after } = await quota()
  assert.equal(after.resets_at, '2026-04-10T00:00:00.000Z')
  assert.equal(after.used, 1)
  assert.deepEqual(period, {
    start: '2026-03-10T00:00:00Z',
    end: '2026-04-09T23:59:59Z',
    timezone: 'America/New_York',
  })
  clock.set('2026-04-09T23:59:59.999Z')
  assert.equal((await quota()).quota.used, 1)
  clock.set('2026-04-10T00:00:00Z')
  assert.equal((await quota()).quota.used, 0)
  assert.equal((await quota()).quota.resets_at, '2026-05-10T04:00:00.000Z')
})

test('a change of nothing is refused; a change of the name alone leaves no line in the log', async () => {
  clock.set(NOON)
  const { id } = await node.tenant()
  assertProblem(await patch(id, {}), 'invalid_request', 'body')
  assertProblem(await patch(id, { plan: 'platinum' }), 'invalid_request', 'plan')
  assertProblem(await patch('nobody', { name: 'x' }), 'tenant_not_found')
  expectStatus(await patch(id, { name: 'Other', email: 'other@example.com' }), 200)
  const { name, email, seq } = await read(id)
  assert.deepEqual([name, email, seq], ['Other', 'other@example.com', 1])
})

test('tenants are listed oldest first, page by page, none missed and none twice', async () => {
  const made: string[] = []
  for (let index = 0; index < 7; index += 1) made.push((await make()).body.tenant_id)
  const listed: string[] = []
  let cursor = ''
  do {
    const { body } = await node.admin('GET', `/api/admin/tenants?limit=3${cursor}`)
    listed.push(...body.data.map(({ tenant_id }: { tenant_id: string }) => tenant_id))
    cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`
  } while (cursor !== '')
  assert.deepEqual(listed.slice(-7), made)
  assert.equal(new Set(listed).size, listed.length)
})
