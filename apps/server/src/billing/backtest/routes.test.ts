import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem } from '../../../test/api-problem.ts'
import { expectStatus, handClock, testNode } from '../../../test/node.ts'

const clock = handClock('2025-01-01T00:00:00Z')
const node = await testNode({ clock })
after(() => node.stop())
const service = await node.service('notes-api')
const pro = await node.tenant({ plan: 'pro', tenant_id: 'pro' })
const free = await node.tenant({ plan: 'free', tenant_id: 'free' })
const prepaid = await node.tenant({ plan: 'prepaid', tenant_id: 'prepaid' })
const rehearsal = { plan: 'pro', tenant_id: 'rehearsal', test_clock: '2025-01-01T00:00:00Z' }
await node.tenant(rehearsal)
const given = { amount: 20, reason: 'a gift' }
expectStatus(await node.admin('POST', '/api/admin/tenants/prepaid/credits', given), 201)

/** @returns ids of the events */
async function calls(tenant: { id: string }, count: number, more: object = {}): Promise<string[]> {
  const events = Array.from({ length: count }, () => {
    return { tenant_id: tenant.id, endpoint: '/notes', ...more }
  })
  const { body } = expectStatus(await node.call('POST', '/api/track', service.key, events), 200)
  return body.results.map((result: { event_id: string }) => result.event_id)
}

clock.set('2025-01-10T00:00:00Z')
const [first] = await calls(pro, 250)
await calls(free, 120)
await calls(prepaid, 15)
expectStatus(
  await node.call('POST', `/api/events/${first}/void`, service.key, { reason: 'wrong' }),
  200,
)
clock.set('2025-02-10T00:00:00Z')
// About January, told in February.
await calls(pro, 1, { timestamp: '2025-01-31T23:00:00Z' })
await calls(pro, 40)

/** A base fee and half the price; fewer calls for nothing; credits that are worth less. */
const CATALOG = {
  catalog: 1,
  services: { 'notes-api': { endpoints: [{ path: '/notes', credits: 2 }] } },
  plans: {
    pro: { price: { base: '5', per_unit: '0.05' } },
    free: { quota: { limit: 60, overage: 'deny' } },
    prepaid: { credits: 'required', price: { base: '1' } },
  },
}
const JANUARY = { from: '2025-01-01', to: '2025-02-01' }

async function backtest(more: object = {}) {
  const body = { catalog: CATALOG, ...JANUARY, ...more }
  return node.admin('POST', '/api/admin/backtest', body)
}

const NONE = { allowed_to_denied: 0, denied_to_allowed: 0, refused: 0, kept_plans: [], periods: 1 }

test('what tenants would have paid is worked out from their logs: voids and late calls are in it', async () => {
  const { body } = expectStatus(await backtest(), 200)
  assert.deepEqual(body.data, [
    // 250 calls less the void, and one that came late: 250 × 0.10; 5 + 250 × 0.05.
    {
      tenant_id: 'pro',
      plan: 'pro',
      currency: 'USD',
      now: '25.00',
      // biome-ignore lint/suspicious/noThenProperty: an amount.
      then: '17.50',
      difference: '-7.50',
      ...NONE,
    },
    // 100 of 120 calls were allowed, 60 would be.
    {
      tenant_id: 'free',
      plan: 'free',
      currency: 'USD',
      now: '0.00',
      // biome-ignore lint/suspicious/noThenProperty: an amount.
      then: '0.00',
      difference: '0.00',
      ...NONE,
      allowed_to_denied: 40,
    },
    // 20 credits pay for 15 calls at 1, and for 10 at 2.
    {
      tenant_id: 'prepaid',
      plan: 'prepaid',
      currency: 'USD',
      now: '0.00',
      // biome-ignore lint/suspicious/noThenProperty: an amount.
      then: '1.00',
      difference: '1.00',
      ...NONE,
      allowed_to_denied: 5,
    },
  ])
  assert.deepEqual(body.currencies, [
    {
      currency: 'USD',
      now: '25.00',
      // biome-ignore lint/suspicious/noThenProperty: an amount.
      then: '18.50',
      difference: '-6.50',
      winners: 1,
      losers: 1,
      unchanged: 1,
    },
  ])
  assert.equal(body.next_cursor, null)
})

test('what holds now is what the invoice of the month asked for', async () => {
  const { body } = expectStatus(await backtest({ tenant_ids: ['pro'], to: '2025-03-02' }), 200)
  const upcoming = await node.call('GET', '/api/billing/upcoming', pro.key)
  assert.equal(expectStatus(upcoming, 200).body.total, '4.00')
  assert.deepEqual([body.data[0].periods, body.data[0].now], [2, '29.00'])
})

test('pages follow each other, and totals are those of the page', async () => {
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const { body } = expectStatus(await backtest({ limit: 1, ...(cursor && { cursor }) }), 200)
    seen.push(...body.data.map(({ tenant_id }: { tenant_id: string }) => tenant_id))
    const [{ winners, losers, unchanged }] = body.currencies
    assert.equal(winners + losers + unchanged, 1)
    cursor = body.next_cursor ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(seen, ['pro', 'free', 'prepaid'])
})

test('tenants on test clocks are left out unless they are named', async () => {
  expectStatus(
    await node.admin('POST', '/api/admin/tenants/rehearsal/clock', { now: '2025-03-01T00:00:00Z' }),
    200,
  )
  const { body } = expectStatus(await backtest({ tenant_ids: ['rehearsal'] }), 200)
  assert.deepEqual(
    body.data.map(({ tenant_id, then: would }: Record<string, string>) => [tenant_id, would]),
    [['rehearsal', '5.00']],
  )
})

test('a plan that the other catalog lacks keeps its terms, and a tenant without a whole period has no row', async () => {
  const { pro: plan } = CATALOG.plans
  const one = { catalog: { ...CATALOG, plans: { pro: plan } }, tenant_ids: ['free', 'pro'] }
  const { body } = expectStatus(await backtest(one), 200)
  assert.deepEqual(
    body.data.map((row: { kept_plans: string[] }) => row.kept_plans),
    [[], ['free']],
  )
  const short = expectStatus(await backtest({ from: '2025-01-02' }), 200).body
  assert.deepEqual([short.data, short.currencies], [[], []])
})

test('what is wrong is named: dates, their order, tenants, and every place in the catalog', async () => {
  assertProblem(await backtest({ from: '2025-02-30' }), 'invalid_request', 'from')
  assertProblem(await backtest({ to: '2025-01-01' }), 'invalid_request', 'to')
  assertProblem(await backtest({ tenant_ids: ['pro', 'x'] }), 'invalid_request', 'tenant_ids[1]')
  assertProblem(await backtest({ cursor: 'x' }), 'invalid_request', 'cursor')
  const catalog = { catalog: 1, plans: { pro: { quota: { limit: -1 }, prise: {} } } }
  const { body } = assertedCatalog(await backtest({ catalog }))
  assert.deepEqual(
    body.errors.map(({ field }: { field: string }) => field),
    ['catalog.plans.pro.quota.limit', 'catalog.plans.pro.quota.overage', 'catalog.plans.pro.prise'],
  )
  const [, missing] = body.errors
  assert.equal(missing.message, 'is missing; it must be one of deny, charge')
})

function assertedCatalog(reply: Awaited<ReturnType<typeof backtest>>) {
  assertProblem(reply, 'invalid_request', 'catalog.plans.pro.quota.limit')
  return reply
}

test('nothing is written', async () => {
  const state = async () =>
    (
      await node.server.pool.query(
        'SELECT tenant_no, last_seq, state::text FROM account ORDER BY 1',
      )
    ).rows
  const before = await state()
  expectStatus(await backtest(), 200)
  assert.deepEqual(await state(), before)
})

test('one at a time: a node that is busy with one says so', async () => {
  const replies = await Promise.all([backtest(), backtest(), backtest()])
  const statuses = replies.map(({ status }) => status).sort()
  assert.equal(statuses[0], 200)
  for (const reply of replies.filter(({ status }) => status !== 200)) {
    assertProblem(reply, 'overloaded')
    assert.ok(Number(reply.headers.get('retry-after')) > 0)
  }
})

test('tenants and services may not ask', async () => {
  const body = { catalog: CATALOG, ...JANUARY }
  for (const key of [pro.key, free.key, prepaid.key, service.key]) {
    assertProblem(await node.call('POST', '/api/admin/backtest', key, body), 'forbidden')
  }
})
