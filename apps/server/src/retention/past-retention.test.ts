import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { until } from '../../test/embedded.ts'
import { readEvents } from '../../test/event-stream.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'
import { retainedTwins, type Twin } from '../../test/retained-twins.ts'
import { logOf } from '../ledger/log.ts'
import { askForRetention } from './tasks.ts'

const clock = handClock('2024-03-10T12:00:00Z')
const node = await testNode({ clock, jobs: true })
const { pool } = node.server
after(() => node.stop())
const twins = await retainedTwins(node)
const { key: service } = twins.service

const JANUARY = '2024-01-01T00:00:00Z'

async function tenant(plan = 'pro', now = JANUARY): Promise<Twin> {
  const [one] = await twins.pair(plan, now)
  return one
}

async function moveTo({ id }: Twin, now: string): Promise<void> {
  expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now }), 200)
}

async function track({ id }: Twin, count: number, more: object = {}): Promise<string[]> {
  const events = Array.from({ length: count }, (_, index) => {
    return { tenant_id: id, endpoint: '/x', idempotency_key: `${id} ${index}`, ...more }
  })
  const reply = expectStatus(await node.call('POST', '/api/track', service, events), 200)
  return reply.body.results.map(({ event_id }: { event_id: string }) => event_id)
}

/** Cuts off what is past by the tenant's own time, and deletes it. */
async function retain(one: Twin): Promise<void> {
  await twins.fold()
  await twins.retain(one)
  await twins.retain(one)
}

/** Of the lines that go some day. */
async function seqs({ no }: Twin, kinds = [3, 4, 8, 9, 10, 11]): Promise<number[]> {
  const { rows } = await pool.query(
    'SELECT seq FROM entry WHERE tenant_no = $1 AND kind = ANY ($2) ORDER BY seq',
    [no, kinds],
  )
  return rows.map(({ seq }) => Number(seq))
}

test('a month goes when its plan keeps it no more, and not before its invoice', async () => {
  const one = await tenant('free')
  const other = await tenant('free')
  for (const each of [one, other]) await track(each, 3)
  await moveTo(one, '2024-01-31T23:00:00Z')
  await retain(one)
  assert.equal((await seqs(one)).length, 3, 'the running month')
  await moveTo(one, '2024-02-10T00:00:00Z')
  await pool.query(`UPDATE billing_position SET open_from = '2024-01-01' WHERE tenant_no = $1`, [
    one.no,
  ])
  await retain(one)
  assert.equal((await seqs(one)).length, 3, 'not billed')
  await pool.query(`UPDATE billing_position SET open_from = '2024-02-01' WHERE tenant_no = $1`, [
    one.no,
  ])
  await twins.retain(one)
  assert.equal((await seqs(one)).length, 3, 'cut off, and still there')
  await retain(one)
  assert.deepEqual(await seqs(one), [])
  const { rows } = await pool.query('SELECT FROM usage_hour WHERE tenant_no = $1', [one.no])
  assert.equal(rows.length, 0)
  assert.equal((await seqs(other)).length, 3)
})

test('12 months stay on pro, and everything where a plan keeps it without an end', async () => {
  const pro = await tenant('pro')
  const enterprise = await tenant('enterprise')
  for (const each of [pro, enterprise]) await track(each, 2)
  for (const each of [pro, enterprise]) {
    await moveTo(each, '2025-01-31T12:00:00Z')
    await retain(each)
    assert.equal((await seqs(each)).length, 2)
    await moveTo(each, '2025-02-01T12:00:00Z')
    await retain(each)
  }
  assert.deepEqual(await seqs(pro), [])
  assert.equal((await seqs(enterprise)).length, 2)
})

test('who takes a smaller plan by mistake has a week before anything goes', async () => {
  const one = await tenant('pro')
  await track(one, 2)
  await moveTo(one, '2024-03-10T00:00:00Z')
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${one.id}`, { plan: 'free' }), 200)
  await retain(one)
  assert.equal((await seqs(one)).length, 2)
  await moveTo(one, '2024-03-16T00:00:00Z')
  await retain(one)
  assert.ok((await seqs(one)).includes(2))
  await moveTo(one, '2024-03-18T00:00:00Z')
  await retain(one)
  assert.ok(!(await seqs(one)).includes(2))
})

test('an open hold, and what came late and is not settled, keep their lines', async () => {
  const one = await tenant('free')
  expectStatus(
    await node.admin('POST', `/api/admin/tenants/${one.id}/credits`, { amount: 9, reason: 'g' }),
    201,
  )
  await track(one, 1)
  const hold = { tenant_id: one.id, credits: 1, expires_in_seconds: 86_400 }
  await moveTo(one, '2024-01-31T23:00:00Z')
  const held = expectStatus(await node.call('POST', '/api/holds', service, hold), 201)
  await track(one, 1, { idempotency_key: 'behind' })
  await moveTo(one, '2024-02-01T20:00:00Z')
  await retain(one)
  assert.equal((await seqs(one)).length, 2, 'what is behind the hold stays, too')
  assert.ok((await seqs(one)).includes(held.body.seq))
  await moveTo(one, '2024-02-10T00:00:00Z')
  await track(one, 1, { idempotency_key: 'late', timestamp: '2024-01-20T00:00:00Z' })
  await retain(one)
  assert.ok((await seqs(one)).includes(held.body.seq), 'the late call is not settled')
  await moveTo(one, '2024-03-05T00:00:00Z')
  await retain(one)
  assert.ok(!(await seqs(one)).includes(held.body.seq))
})

test('what is gone is answered as being past: voids, replays, readings, also to operators', async (t) => {
  const one = await tenant('free')
  const [gone] = await track(one, 2)
  await moveTo(one, '2024-02-10T00:00:00Z')
  await retain(one)
  const voided = await node.call('POST', `/api/events/${gone}/void`, service, { reason: 'r' })
  assert.deepEqual([voided.status, voided.body.code], [410, 'past_retention'])
  const event = { tenant_id: one.id, endpoint: '/x', idempotency_key: `${one.id} 0` }
  const replay = await node.call('POST', '/api/track', service, event)
  assert.deepEqual([replay.status, replay.body.code], [410, 'past_retention'])
  const other = await node.call('POST', '/api/track', service, { ...event, endpoint: '/y' })
  assert.deepEqual([other.status, other.body.code], [409, 'idempotency_conflict'])
  const batch = await node.call('POST', '/api/track', service, [
    event,
    { ...event, idempotency_key: `${one.id} new` },
  ])
  const statuses = batch.body.results.map(({ status }: { status: number }) => status)
  assert.deepEqual(statuses, [410, 200])
  const last = '/api/usage/history?granularity=daily&period=last_month'
  const own = await node.call('GET', last, one.key)
  assert.deepEqual([own.status, own.body.code], [403, 'plan_feature_required'])
  for (const path of ['history?granularity=daily&', 'breakdown?', 'performance?']) {
    const asked = await node.admin(
      'GET',
      `/api/admin/tenants/${one.id}/usage/${path}period=last_month`,
    )
    assert.deepEqual([asked.status, asked.body.code], [410, 'past_retention'], path)
    assert.match(asked.body.detail, /2024-02-01/)
  }
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${one.id}`, { plan: 'pro' }), 200)
  assert.equal(
    (await node.call('GET', last, one.key)).status,
    410,
    'a better plan brings nothing back',
  )
  const entries = await node.call('GET', '/api/entries?limit=2', one.key)
  const rest = await node.call(
    'GET',
    `/api/entries?limit=100&cursor=${entries.body.next_cursor}`,
    one.key,
  )
  const all = [...entries.body.data, ...rest.body.data].map(({ seq }) => seq)
  const everyKind = Array.from({ length: 12 }, (_, index) => index + 1)
  assert.deepEqual(all, (await seqs(one, everyKind)).reverse())
  const reader = await readEvents(t, node.url, one.key, { query: '?from=1&follow=false' })
  await reader.ended
  const gap = reader.events.find(({ event: kind }) => kind === 'gap')
  assert.deepEqual(gap?.data, { from: 2, through: 3 })
})

test('an old invoice stays, and its explanation says that its lines are gone', async () => {
  const one = await tenant('pro')
  await track(one, 3)
  await moveTo(one, '2024-02-10T00:00:00Z')
  await track(one, 2, { idempotency_key: 'late', timestamp: '2024-01-20T00:00:00Z' })
  await moveTo(one, '2024-04-10T00:00:00Z')
  const { body } = await node.call('GET', '/api/billing/invoices', one.key)
  const explain = async () => {
    const replies = await Promise.all(
      body.data.map(({ invoice_id: id }: { invoice_id: string }) =>
        node.call('GET', `/api/billing/invoices/${id}/explain`, one.key),
      ),
    )
    return replies.map((reply) => expectStatus(reply, 200).body)
  }
  const before = await explain()
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${one.id}`, { plan: 'free' }), 200)
  await moveTo(one, '2024-05-20T00:00:00Z')
  await retain(one)
  const now = await explain()
  for (const [index, explanation] of now.entries()) {
    assert.equal(before[index].past_retention, false)
    assert.equal(explanation.past_retention, true)
    assert.deepEqual(explanation.totals, before[index].totals)
  }
  assert.equal(now.length, 3)
  const late = now.flatMap(({ lines }) => lines).find((line) => line.late !== null)
  assert.deepEqual([late.late.lines, late.late.more], [[], true])
})

test('a job does it for all tenants, and one whose log differs keeps no other from its turn', async () => {
  const [wrong, right] = [await tenant('free'), await tenant('free')]
  for (const one of [wrong, right]) {
    await track(one, 2)
    await moveTo(one, '2024-02-10T00:00:00Z')
  }
  await twins.fold()
  await pool.query('UPDATE entry SET used = 77 WHERE tenant_no = $1 AND seq = 2', [wrong.no])
  await askForRetention(pool)
  await until('a cut', () => logOf(pool, right.no).cut())
  assert.equal((await logOf(pool, right.no).cut())?.account.lastSeq, 3)
  assert.equal(await logOf(pool, wrong.no).cut(), null)
  await pool.query('UPDATE log_cut SET made_at = $1', [new Date(0)])
  await askForRetention(pool)
  await until('the end of the lines', async () => ((await seqs(right)).includes(2) ? null : true))
  assert.equal((await seqs(wrong)).length, 2)
})
