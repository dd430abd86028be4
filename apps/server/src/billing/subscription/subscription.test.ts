import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertProblem } from '../../../test/api-problem.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { expectStatus } from '../../../test/node.ts'
import { type Subscriber, subscribersNode } from '../../../test/subscribers.ts'

const { node, subscriber, send, ask, moveTo, calls } = await subscribersNode()
const START = '2025-01-01T00:00:00Z'

const seqOf = async ({ id }: Subscriber): Promise<number> =>
  (await node.admin('GET', `/api/admin/tenants/${id}`)).body.seq
const asOperator = (path: string, body: object) => node.admin('POST', `/api${path}`, body)

test('limits of a plan follow at once, up and down', async () => {
  const tenant = await subscriber('small', START)
  assert.deepEqual(await calls(tenant, 4), [200, 200, 200, 429])
  await ask(tenant, '/subscription', { plan: 'big' })
  assert.deepEqual(await calls(tenant, 3), [200, 200, 429])
  await ask(tenant, '/subscription', { plan: 'small', when: 'now' })
  assert.deepEqual(await calls(tenant, 1), [429])
})

test('a preview changes nothing, and is refused where the change would be', async () => {
  const tenant = await subscriber('small', START)
  const before = [await seqOf(tenant), await ask(tenant, '/subscription')]
  for (const body of [
    { plan: 'big' },
    { plan: 'big', when: 'period_end' },
    { plan: 'small' },
    { plan: 'rich', idempotency_key: 'one' },
  ]) {
    await ask(tenant, '/subscription/preview', body)
  }
  assertProblem(await send(tenant, '/subscription/preview', { plan: 'euro' }), 'invalid_request')
  assert.deepEqual([await seqOf(tenant), await ask(tenant, '/subscription')], before)
  await ask(tenant, '/subscription/pause', {})
  const later = { plan: 'big', when: 'period_end' }
  assertProblem(await send(tenant, '/subscription/preview', later), 'subscription_conflict')
  assertProblem(await send(tenant, '/subscription', later), 'subscription_conflict')
})

test('the same plan again changes nothing, and takes back what was pending', async () => {
  const tenant = await subscriber('small', START)
  const seq = await seqOf(tenant)
  const same = await ask(tenant, '/subscription', { plan: 'small' })
  assert.deepEqual([same.plan, same.status, same.pending], ['small', 'active', null])
  assert.equal(await seqOf(tenant), seq)
  const preview = await ask(tenant, '/subscription/preview', { plan: 'small' })
  assert.deepEqual([preview.difference, preview.allowance_credits], ['0.00', 0])
  const pending = await ask(tenant, '/subscription', { plan: 'big', when: 'period_end' })
  assert.deepEqual(pending.pending, {
    plan: 'big',
    at: '2025-02-01T00:00:00.000Z',
    trial_end: null,
  })
  assert.equal((await ask(tenant, '/subscription', { plan: 'small' })).pending, null)
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  assert.equal((await ask(tenant, '/subscription')).plan, 'small')
})

test('a plan that was to begin later begins with the period, and a cancellation ends with it', async () => {
  const tenant = await subscriber('small', START)
  await ask(tenant, '/subscription', { plan: 'big', when: 'period_end' })
  await moveTo(tenant, '2025-01-31T23:59:59Z')
  assert.equal((await ask(tenant, '/subscription')).plan, 'small')
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  assert.equal((await ask(tenant, '/subscription')).plan, 'big')
  const canceled = await ask(tenant, '/subscription/cancel', {})
  assert.deepEqual(canceled.pending, {
    plan: null,
    at: '2025-03-01T00:00:00.000Z',
    trial_end: null,
  })
  assert.deepEqual(await ask(tenant, '/subscription/cancel', {}), canceled)
  assert.equal((await ask(tenant, '/subscription/resume', {})).pending, null)
  // Without a body it is the same.
  const path = '/api/subscription/cancel'
  assert.deepEqual((await node.call('POST', path, tenant.key)).body, canceled)
  await moveTo(tenant, '2025-03-01T00:00:00Z')
  assert.equal((await ask(tenant, '/subscription')).status, 'canceled')
})

test('a trial begins with the plan that has one, also with the period; its preview says so', async () => {
  const tenant = await subscriber('small', START)
  const later = { plan: 'try', when: 'period_end' }
  const preview = await ask(tenant, '/subscription/preview', later)
  const end = '2025-02-15T00:00:00.000Z'
  // 28 a month for the 14 of its 28 days after the trial.
  assert.deepEqual([preview.trial_end, preview.next_period.total], [end, '14.00'])
  const { pending, trial_end } = await ask(tenant, '/subscription', later)
  assert.deepEqual(pending, { plan: 'try', at: '2025-02-01T00:00:00.000Z', trial_end: end })
  assert.equal(trial_end, null)
  const again = await seqOf(tenant)
  await ask(tenant, '/subscription', later)
  assert.equal(await seqOf(tenant), again)
  // Whoever looks first, and when, makes no difference to when it ends.
  await moveTo(tenant, '2025-02-03T12:00:00Z')
  const begun = await ask(tenant, '/subscription')
  assert.deepEqual([begun.status, begun.trial_end, begun.pending], ['trialing', end, null])
  await moveTo(tenant, '2025-03-01T00:00:00Z')
  const { data } = (await node.call('GET', '/api/billing/invoices', tenant.key)).body
  assert.deepEqual([data[0].plan, data[0].total], ['try', '14.00'])
  const second = await ask(tenant, '/subscription/preview', { ...later, plan: 'another' })
  assert.deepEqual([second.trial_end, second.next_period.total], [end, '56.00'])
})

test('a trial that was to come begins at once where its plan is taken at once, and not a second time', async () => {
  const tenant = await subscriber('small', START)
  await ask(tenant, '/subscription', { plan: 'try', when: 'period_end' })
  await moveTo(tenant, '2025-01-21T00:00:00Z')
  const taken = await ask(tenant, '/subscription', { plan: 'another' })
  assert.deepEqual([taken.trial_end, taken.pending], ['2025-02-20T00:00:00.000Z', null])
  await ask(tenant, '/subscription', { plan: 'try', when: 'period_end' })
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const next = await ask(tenant, '/subscription')
  assert.deepEqual([next.plan, next.trial_end], ['try', '2025-02-20T00:00:00.000Z'])
})

test('what does not fit the state is a conflict, and writes nothing', async () => {
  const tenant = await subscriber('small', START)
  const refused = async (path: string, body: object) => {
    const seq = await seqOf(tenant)
    assertProblem(await send(tenant, path, body), 'subscription_conflict')
    assert.equal(await seqOf(tenant), seq)
  }
  await refused('/subscription/resume', {})
  await ask(tenant, '/subscription/pause', {})
  assert.equal((await ask(tenant, '/subscription')).status, 'paused')
  await refused('/subscription/pause', {})
  await refused('/subscription/cancel', { when: 'period_end' })
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  await refused('/subscription/cancel', { when: 'now' })
  await refused('/subscription/resume', {})
  await refused('/subscription', { plan: 'big', when: 'period_end' })
})

test('tenants take what people may take; operators give all that is on offer', async () => {
  const tenant = await subscriber('small', START)
  const refused = await send(tenant, '/subscription', { plan: 'agreed' })
  assertProblem(refused, 'invalid_request', 'plan')
  assert.doesNotMatch(refused.body.errors[0].message, /agreed/)
  assertProblem(await send(tenant, '/subscription', { plan: 'none' }), 'invalid_request', 'plan')
  const given = { plan: 'agreed', tenant_id: tenant.id }
  assert.equal(expectStatus(await asOperator('/subscription', given), 200).body.plan, 'agreed')
  assert.equal((await ask(tenant, '/subscription', { plan: 'agreed' })).plan, 'agreed')
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  assertProblem(await send(tenant, '/subscription', { plan: 'agreed' }), 'invalid_request', 'plan')
  assertProblem(await asOperator('/subscription', { plan: 'big' }), 'invalid_request', 'tenant_id')
  const other = await subscriber('small', START)
  const foreign = { plan: 'big', tenant_id: other.id }
  assertProblem(await send(tenant, '/subscription', foreign), 'tenant_not_found')
})

test('whom a change is about is said in its body: said in the query it is refused, and nobody is changed', async () => {
  const [one, other] = [await subscriber('small', START), await subscriber('small', START)]
  for (const [path, body] of [
    ['/subscription', { plan: 'big' }],
    ['/subscription/cancel', { when: 'now' }],
    ['/subscription/pause', {}],
    ['/credits/top-ups', { credits: 1 }],
  ] as const) {
    const refused = await send(one, `${path}?tenant_id=${other.id}`, body)
    assertProblem(refused, 'invalid_request', 'tenant_id')
  }
  for (const tenant of [one, other]) {
    const { plan, status } = await ask(tenant, '/subscription')
    assert.deepEqual([plan, status, await seqOf(tenant)], ['small', 'active', 1])
  }
})

test('a plan without a price in the currency of the tenant is none for it, and the currency stays', async () => {
  const tenant = await subscriber('small', START)
  assertProblem(await send(tenant, '/subscription', { plan: 'euro' }), 'invalid_request', 'plan')
  const patched = await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { plan: 'euro' })
  assertProblem(patched, 'invalid_request', 'plan')
  await moveTo(tenant, '2025-01-16T12:00:00Z')
  const both = await ask(tenant, '/subscription', { plan: 'both' })
  assert.deepEqual([both.plan, both.currency], ['both', 'USD'])
  await moveTo(tenant, '2025-02-01T00:00:00Z')
  const reply = await node.call('GET', '/api/billing/invoices', tenant.key)
  // Half of 10 and half of 12: not in the plan's own currency, which is another.
  assert.deepEqual([reply.body.data[0].currency, reply.body.data[0].total], ['USD', '11.00'])
})

test('a key makes a change once, however often and whenever it is sent', async () => {
  const tenant = await subscriber('small', START)
  const body = { plan: 'big', idempotency_key: 'change-1' }
  const replies = await inParallel(Array.from({ length: 8 }), 8, () =>
    send(tenant, '/subscription', body),
  )
  for (const reply of replies) assert.equal(expectStatus(reply, 200).body.plan, 'big')
  await ask(tenant, '/subscription', { plan: 'small' })
  const seq = await seqOf(tenant)
  assert.equal((await ask(tenant, '/subscription', body)).plan, 'small')
  assert.equal(await seqOf(tenant), seq)
  const other = { plan: 'free', idempotency_key: 'change-1' }
  assertProblem(await send(tenant, '/subscription', other), 'idempotency_conflict')
  const pause = { idempotency_key: 'pause-1' }
  await ask(tenant, '/subscription/pause', pause)
  assert.equal((await ask(tenant, '/subscription/pause', pause)).status, 'paused')
})

test('changes and previews that race are answered one by one, and the log has the last word', async () => {
  const tenant = await subscriber('free', START)
  const plans = ['small', 'big', 'try', 'another', 'free', 'arrears', 'paid', 'rich']
  const asked = Array.from({ length: 48 }, (_, index) => {
    const plan = plans[index % plans.length]!
    if (index % 3 === 0) return ['/subscription/preview', { plan }] as const
    if (index % 8 === 1) return ['/subscription/cancel', { when: 'now' }] as const
    if (index % 8 === 2) return ['/subscription/pause', {}] as const
    return ['/subscription', { plan }] as const
  })
  const replies = await inParallel(asked, 16, ([path, body]) => send(tenant, path, body))
  for (const { status, body } of replies) {
    assert.ok(status === 200 || status === 409, `${status} ${JSON.stringify(body)}`)
  }
  const { body } = await node.call('GET', '/api/entries?limit=500', tenant.key)
  const changes = body.data.filter(({ kind }: { kind: string }) => kind === 'change')
  // However they raced, a trial began once.
  const trials = changes.filter(({ detail }: { detail: object }) => 'trial_end' in detail)
  assert.equal(trials.length, 1)
  const audit = await node.admin('GET', `/api/admin/audit?tenant_id=${tenant.id}&limit=500`)
  const told = audit.body.data.filter(
    ({ action }: { action: string }) => action === 'subscription.changed',
  )
  assert.deepEqual(
    told.map(({ log_seq }: { log_seq: number }) => log_seq).sort((a: number, b: number) => a - b),
    changes.map(({ seq }: { seq: number }) => seq).sort((a: number, b: number) => a - b),
  )
})

test('the audit log tells a change, with what was before it', async () => {
  const tenant = await subscriber('small', START)
  await ask(tenant, '/subscription', { plan: 'big' })
  const { body } = await node.admin('GET', `/api/admin/audit?tenant_id=${tenant.id}`)
  const told = body.data.find(({ action }: { action: string }) => action === 'subscription.changed')
  assert.deepEqual([told.before.plan, told.after.plan], ['small', 'big'])
})

test('how a subscription stands is the same wherever it is read', async () => {
  const tenant = await subscriber('try', START)
  const seen = async () => {
    const [quota, summary] = await Promise.all([
      node.call('GET', '/api/quota', tenant.key),
      node.call('GET', '/api/usage/summary', tenant.key),
    ])
    const { status } = await ask(tenant, '/subscription')
    assert.deepEqual([quota.body.status, summary.body.subscription.status], [status, status])
    return status
  }
  assert.equal(await seen(), 'trialing')
  await moveTo(tenant, '2025-01-15T00:00:00Z')
  assert.equal(await seen(), 'active')
  await ask(tenant, '/subscription/pause', {})
  assert.equal(await seen(), 'paused')
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  assert.equal(await seen(), 'canceled')
  await node.admin('PATCH', `/api/admin/tenants/${tenant.id}`, { status: 'suspended' })
  assert.equal(await seen(), 'suspended')
})

test('a preview says which credits come with a plan, and they come', async () => {
  const tenant = await subscriber('paid', START)
  await moveTo(tenant, '2025-01-11T00:00:00Z')
  const balance = async () =>
    (await node.call('GET', '/api/quota', tenant.key)).body.credits.balance
  assert.equal(await balance(), 310)
  const preview = await ask(tenant, '/subscription/preview', { plan: 'rich' })
  // 310 more for 21 of 31 days.
  assert.equal(preview.allowance_credits, 210)
  await ask(tenant, '/subscription', { plan: 'rich' })
  assert.equal(await balance(), 520)
  assert.equal(preview.next_period.allowance_credits, 620)
})

test('a plan that begins in a month that nobody has looked at yet brings what it gives more', async () => {
  const tenant = await subscriber('free', START)
  await ask(tenant, '/subscription/cancel', {})
  await moveTo(tenant, '2025-02-15T00:00:00Z')
  // Half of February: half of the credits, whichever plan it was before.
  const preview = await ask(tenant, '/subscription/preview', { plan: 'paid' })
  assert.equal(preview.allowance_credits, 155)
  await ask(tenant, '/subscription', { plan: 'paid' })
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  const again = await ask(tenant, '/subscription/preview', { plan: 'paid' })
  assert.equal(again.allowance_credits, 0)
})
