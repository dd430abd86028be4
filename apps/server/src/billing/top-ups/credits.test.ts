import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inParallel } from '../../../test/api-parallel.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { expectStatus, type Reply } from '../../../test/node.ts'
import { amounts, type Subscriber, subscribersNode } from '../../../test/subscribers.ts'

const { node, subscriber, send, ask, moveTo, invoices, upcoming, calls } = await subscribersNode()
const START = '2025-01-01T00:00:00Z'

const give = async ({ id }: Subscriber, body: object) =>
  expectStatus(
    await node.admin('POST', `/api/admin/tenants/${id}/credits`, { reason: 'gift', ...body }),
    201,
  ).body
const buy = (tenant: Subscriber, body: object) => send(tenant, '/credits/top-ups', body)

async function allEntries(tenant: Subscriber, query: string): Promise<Reply['body'][]> {
  const found: Reply['body'][] = []
  let cursor = ''
  do {
    const page = await ask(tenant, `/credits/entries?${query}${cursor}`)
    found.push(...page.data)
    cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`
  } while (cursor !== '')
  return found
}

const shown = (entries: Reply['body'][]) =>
  entries.map(({ kind, credits }) => [kind, credits.change])

test('grants are shown in the order in which they burn, and burn so', async () => {
  const tenant = await subscriber('unsold', START)
  await give(tenant, { amount: 5, reason: 'never expires' })
  await give(tenant, { amount: 3, reason: 'later', expires_at: '2025-03-01T00:00:00Z' })
  await give(tenant, { amount: 2, reason: 'sooner', expires_at: '2025-02-10T00:00:00Z' })
  await give(tenant, { amount: 1, reason: 'first of all', priority: 1 })
  const order = async () =>
    (await ask(tenant, '/credits')).grants.map(({ reason, remaining }: Reply['body']) => [
      reason,
      remaining,
    ])
  assert.deepEqual(await order(), [
    ['first of all', 1],
    ['sooner', 2],
    ['later', 3],
    ['never expires', 5],
  ])
  await calls(tenant, 4)
  assert.deepEqual(await order(), [
    ['later', 2],
    ['never expires', 5],
  ])
  const { balance, next_expiry, required, grants } = await ask(tenant, '/credits')
  assert.deepEqual([balance, required], [7, true])
  assert.deepEqual(next_expiry, { at: '2025-03-01T00:00:00.000Z', credits: 2 })
  assert.match(grants[0].event_id, /^evt_/)
})

test('credits that expire leave by an entry of their own', async () => {
  const tenant = await subscriber('unsold', START)
  await give(tenant, { amount: 10, expires_at: '2025-01-20T00:00:00Z' })
  await calls(tenant, 3)
  await moveTo(tenant, '2025-01-20T00:00:00Z')
  assert.equal((await ask(tenant, '/credits')).balance, 0)
  assert.deepEqual(shown(await allEntries(tenant, '')), [
    ['expiry', -7],
    ['grant', 10],
  ])
  assert.deepEqual(shown(await allEntries(tenant, 'calls=true&limit=2')), [
    ['expiry', -7],
    ['call', -1],
    ['call', -1],
    ['call', -1],
    ['grant', 10],
  ])
})

test('allowances of months, what rolls over and what lapses are in the entries', async () => {
  const tenant = await subscriber('rich', START)
  const january = await ask(tenant, '/credits')
  assert.equal(january.balance, 620)
  assert.deepEqual(
    january.grants.map(({ event_id, kind }: Reply['body']) => [event_id, kind]),
    [[null, 'allowance']],
  )
  assert.deepEqual(january.allowance, {
    credits: 620,
    rollover_max: 100,
    next_at: '2025-02-01T00:00:00.000Z',
  })
  // 100 of what is left are kept.
  assert.deepEqual(january.next_expiry, { at: '2025-02-01T00:00:00.000Z', credits: 520 })
  await calls(tenant, 20)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const february = await ask(tenant, '/credits')
  assert.deepEqual([february.balance, february.period.burned], [720, 0])
  assert.match(february.grants[0].event_id, /^evt_/)
  await ask(tenant, '/subscription/cancel', {})
  assert.equal((await ask(tenant, '/credits')).allowance.next_at, null)
  await moveTo(tenant, '2025-03-01T00:00:00Z')
  assert.equal((await ask(tenant, '/credits')).balance, 0)
  assert.deepEqual(shown(await allEntries(tenant, 'limit=2')), [
    ['expiry', -720],
    ['allowance', 720],
    ['expiry', -600],
    ['allowance', 620],
  ])
})

test('what was given less what was burned and what expired is the balance', async () => {
  const tenant = await subscriber('rich', START)
  await give(tenant, { amount: 12.5, expires_at: '2025-01-05T00:00:00Z' })
  await calls(tenant, 7)
  expectStatus(await buy(tenant, { credits: 40 }), 201)
  const hold = expectStatus(await node.call('POST', '/api/holds', tenant.key, { credits: 5 }), 201)
  const settle = { credits: 2.25 }
  const path = `/api/holds/${hold.body.hold_id}/settle`
  expectStatus(await node.call('POST', path, tenant.key, settle), 200)
  await give(tenant, { amount: -3, reason: 'taken back' })
  const [call] = (await allEntries(tenant, 'calls=true')).filter(({ kind }) => kind === 'call')
  const { status } = await node.admin('POST', `/api/events/${call.event_id}/void`, { reason: 'x' })
  assert.equal(status, 200)
  await moveTo(tenant, '2025-02-03T00:00:00Z')
  await calls(tenant, 3)
  const entries = await allEntries(tenant, 'calls=true&limit=3')
  const sum = entries.reduce((total, { credits }) => total + Math.round(credits.change * 1e6), 0)
  assert.equal(sum / 1e6, (await ask(tenant, '/credits')).balance)
  assert.deepEqual(
    new Set(entries.map(({ kind }) => kind)),
    new Set(['call', 'allowance', 'expiry', 'void', 'adjustment', 'settlement', 'grant']),
  )
  const { grants } = await ask(tenant, '/credits')
  assert.deepEqual(
    grants.map(({ kind, reason }: Reply['body']) => [kind, reason]),
    [
      ['allowance', null],
      ['bought', 'top-up'],
    ],
  )
})

test('credits that are bought can be used at once and are a line of the invoice', async () => {
  const tenant = await subscriber('bare', START)
  assert.deepEqual(await calls(tenant, 1), [402])
  const { body } = expectStatus(await buy(tenant, { credits: 250 }), 201)
  assert.deepEqual(
    [body.credits, body.currency, body.credit_price, body.amount, body.balance, body.replayed],
    [250, 'USD', '0.02', '5.00', 250, false],
  )
  assert.deepEqual(await calls(tenant, 1), [200])
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const [invoice] = await invoices(tenant)
  assert.deepEqual(amounts(invoice), [
    ['Credits, paid in advance', '0.00'],
    ['Credits, bought', '5.00'],
  ])
  assert.equal((await upcoming(tenant)).total, '0.00')
})

test('a trial is not free for what is bought in it', async () => {
  const tenant = await subscriber('tried', START)
  assert.equal((await ask(tenant, '/subscription')).status, 'trialing')
  expectStatus(await buy(tenant, { credits: 100 }), 201)
  await calls(tenant, 1)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const [invoice] = await invoices(tenant)
  assert.equal(invoice.total, '2.00')
})

test('top-ups that race with one key buy once; another amount under it is a conflict', async () => {
  const tenant = await subscriber('bare', START)
  const body = { credits: 10, idempotency_key: 'top-up-1' }
  const replies = await inParallel(Array.from({ length: 12 }), 12, () => buy(tenant, body))
  for (const reply of replies) expectStatus(reply, 201)
  assert.equal(replies.filter(({ body }) => !body.replayed).length, 1)
  assert.equal(new Set(replies.map(({ body }) => body.event_id)).size, 1)
  assertProblem(await buy(tenant, { ...body, credits: 11 }), 'idempotency_conflict')
  assert.equal((await ask(tenant, '/credits')).balance, 10)
  assert.equal((await upcoming(tenant)).total, '0.20')
  const unkeyed = await inParallel(Array.from({ length: 6 }), 6, () => buy(tenant, { credits: 1 }))
  for (const reply of unkeyed) expectStatus(reply, 201)
  assert.equal((await ask(tenant, '/credits')).balance, 16)
})

test('a retry gets its first answer, also on a plan that sells none, or at another price', async () => {
  const tenant = await subscriber('bare', START)
  const body = { credits: 10, idempotency_key: 'before-the-move' }
  const first = expectStatus(await buy(tenant, body), 201).body
  for (const change of [{ plan: 'small' }, { plan: 'bare' }]) {
    await ask(tenant, '/subscription', change)
    const again = expectStatus(await buy(tenant, body), 201).body
    assert.deepEqual(again, { ...first, replayed: true })
  }
  await ask(tenant, '/subscription', { plan: 'small' })
  assertProblem(await buy(tenant, { credits: 10, idempotency_key: 'after' }), 'credits_not_sold')
  assertProblem(await buy(tenant, { ...body, credits: 11 }), 'idempotency_conflict')
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  assert.equal(expectStatus(await buy(tenant, body), 201).body.event_id, first.event_id)
  assert.equal((await ask(tenant, '/credits')).balance, 10)
})

test('a plan without a price for credits sells none, and neither does a subscription that ended', async () => {
  for (const plan of ['unsold', 'small', 'free']) {
    const tenant = await subscriber(plan, START)
    const refused = await buy(tenant, { credits: 1 })
    assertProblem(refused, 'credits_not_sold')
    assert.match(refused.body.detail, new RegExp(`${plan} has no price for credits in USD`))
    const path = `/api/admin/tenants/${tenant.id}/credits`
    const bought = { amount: 1, reason: 'x', bought: true }
    assertProblem(await node.admin('POST', path, bought), 'credits_not_sold')
  }
  const canceled = await subscriber('bare', START)
  await ask(canceled, '/subscription/cancel', { when: 'now' })
  assertProblem(await buy(canceled, { credits: 1 }), 'subscription_conflict')
  for (const credits of [0, -1, 0.0000001, 'x']) {
    assertProblem(await buy(canceled, { credits }), 'invalid_request', 'credits')
  }
})

test('operators give credits for nothing, or on the bill', async () => {
  const tenant = await subscriber('bare', START)
  await give(tenant, { amount: 100, reason: 'promotion' })
  assert.equal((await upcoming(tenant)).total, '0.00')
  await give(tenant, { amount: 100, bought: true })
  assert.equal((await upcoming(tenant)).total, '2.00')
  const path = `/api/admin/tenants/${tenant.id}/credits`
  const taken = { amount: -1, reason: 'x', bought: true }
  assertProblem(await node.admin('POST', path, taken), 'invalid_request', 'bought')
})

test('the forecast says when credits end, or why nobody can say', async () => {
  const forecast = async (tenant: Subscriber) => (await ask(tenant, '/credits')).forecast
  const free = await subscriber('free', START)
  assert.deepEqual(await forecast(free), {
    per_day: 0,
    basis: { from: '2025-01-01T00:00:00.000Z', to: '2025-01-01T00:00:00.000Z', days: 0 },
    runs_out_at: null,
    reason: 'credits_not_required',
  })
  const tenant = await subscriber('bare', START)
  assert.deepEqual(
    [(await forecast(tenant)).per_day, (await forecast(tenant)).reason],
    [null, 'too_little_data'],
  )
  await moveTo(tenant, '2025-01-02T00:00:00Z')
  assert.deepEqual(
    [(await forecast(tenant)).per_day, (await forecast(tenant)).reason],
    [0, 'no_usage'],
  )
  await give(tenant, { amount: 20 })
  await calls(tenant, 4)
  await moveTo(tenant, '2025-01-03T00:00:00Z')
  // 4 in two days: 16 last for eight more.
  assert.deepEqual(await forecast(tenant), {
    per_day: 2,
    basis: { from: '2025-01-01T00:00:00.000Z', to: '2025-01-03T00:00:00.000Z', days: 2 },
    runs_out_at: '2025-01-11T00:00:00.000Z',
    reason: null,
  })
  await calls(tenant, 16)
  assert.equal((await forecast(tenant)).runs_out_at, '2025-01-03T00:00:00.000Z')
  await ask(tenant, '/subscription/pause', {})
  assert.equal((await forecast(tenant)).reason, 'not_running')
})

test("an operator's retry gets its first answer too, whatever the plan sells by now", async () => {
  const tenant = await subscriber('bare', START)
  const path = `/api/admin/tenants/${tenant.id}/credits`
  const body = { amount: 10, reason: 'by phone', bought: true, idempotency_key: 'by-phone' }
  const given = (more = {}) => node.admin('POST', path, { ...body, ...more })
  const first = expectStatus(await given(), 201).body
  for (const change of [{ plan: 'small' }, { plan: 'bare' }, { plan: 'unsold' }]) {
    await ask(tenant, '/subscription', change)
    const again = expectStatus(await given(), 201).body
    assert.deepEqual(again, { ...first, replayed: true })
  }
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  assert.deepEqual(expectStatus(await given(), 201).body, { ...first, replayed: true })
  for (const other of [{ amount: 11 }, { reason: 'by mail' }, { priority: 1 }, { bought: false }]) {
    assertProblem(await given(other), 'idempotency_conflict')
  }
  assertProblem(await given({ idempotency_key: 'another' }), 'subscription_conflict')
  const keyless = { amount: 10, reason: 'by phone', bought: true }
  assertProblem(await node.admin('POST', path, keyless), 'subscription_conflict')
  assert.equal((await ask(tenant, '/credits')).balance, 10)
})

test("of an operator's retries and changes of plan at once, all are one answer or a refusal, and given once", async () => {
  const tenant = await subscriber('bare', START)
  const path = `/api/admin/tenants/${tenant.id}/credits`
  const body = { amount: 10, reason: 'race', bought: true, idempotency_key: 'race' }
  const plans = ['small', 'bare', 'small', 'bare']
  const changes = (async () => {
    for (const plan of plans) await ask(tenant, '/subscription', { plan })
  })()
  const replies = await inParallel(Array.from({ length: 12 }), 4, () =>
    node.admin('POST', path, body),
  )
  await changes
  const answered = replies.filter(({ status }) => status === 201)
  for (const reply of replies) if (reply.status !== 201) assertProblem(reply, 'credits_not_sold')
  const last = expectStatus(await node.admin('POST', path, body), 201).body
  for (const reply of answered) assert.equal(reply.body.seq, last.seq)
  assert.equal((await ask(tenant, '/credits')).balance, 10)
})
