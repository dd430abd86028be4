import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { differencesIn } from '../../test/api-verify.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { retainedTwins, type Twin } from '../../test/retained-twins.ts'
import { rebuildRollups } from '../analytics/rollups/rebuild.ts'
import { verifyRollups } from '../analytics/verify/verify.ts'
import { verifyInvoices } from '../billing/verify/verify-invoices.ts'

const node = await testNode()
const { pool, catalog } = node.server
after(() => node.stop())
const twins = await retainedTwins(node)

type Months = { plan: string; timeZone: string; months: number; random: readonly number[] }

const lives: fc.Arbitrary<Months> = fc
  .record({
    plan: fc.constantFrom('free', 'free', 'pro', 'team', 'prepaid'),
    timeZone: fc.constantFrom('UTC', 'America/New_York', 'Asia/Kolkata'),
    random: fc.array(fc.nat(), { minLength: 400, maxLength: 400 }),
  })
  .map((life) => ({ ...life, months: life.plan === 'free' || life.plan === 'prepaid' ? 5 : 16 }))

test('all that is within retention, balances, bills and decisions are those of a twin of whom nothing was deleted', async () => {
  let deleted = 0
  for (const life of fc.sample(lives, { numRuns: 4, seed: 3 })) deleted += await live(life)
  assert.ok(deleted > 50, `${deleted} lines were deleted`)
  await assertVerified()
  await rebuildRollups(pool, () => undefined)
  await assertVerified()
})

async function live({ plan, timeZone, months, random }: Months): Promise<number> {
  const numbers = [...random]
  const draw = (below: number) => (numbers.pop() ?? 0) % below
  const began = '2024-01-10T08:00:00Z'
  const pair = await twins.pair(plan, began, { time_zone: timeZone })
  await credit(pair, 50)
  let recent: [string, string][] = []
  for (let month = 1; month <= months; month += 1) {
    const now = new Date(Date.UTC(2024, month - 1, month === 1 ? 10 : 1, 12 + draw(10)))
    if (month > 1) await moveTo(pair, now)
    recent = [...(await useSome(pair, now, draw)), ...recent].slice(0, 6)
    if (draw(3) === 0 && recent.length > 0)
      await voidOne(pair, recent.splice(draw(recent.length), 1)[0]!)
    if (draw(4) === 0) await credit(pair, 5)
    await moveTo(pair, new Date(now.getTime() + (1 + draw(20)) * 86_400_000))
    if (draw(3) > 0) await twins.fold()
    if (draw(2) === 0) await retainSomehow(pair[0], draw)
    if (draw(3) === 0) await assertSame(pair)
  }
  await twins.fold()
  await twins.retain(pair[0])
  await twins.retain(pair[0])
  await assertSame(pair)
  const [left, whole] = await Promise.all(pair.map(countLines))
  return whole! - left!
}

async function useSome(pair: [Twin, Twin], now: Date, draw: (below: number) => number) {
  const events = Array.from({ length: 2 + draw(4) }, () => ({
    endpoint: `/convert/${draw(3)}`,
    status: draw(4) > 0 ? 'success' : 'failure',
    file_type: ['pdf', 'xlsx', 'docx'][draw(3)],
    output_format: 'html',
    processing_time_ms: 10 + draw(500),
    file_size_bytes: 100 + draw(9_000),
    // Also in the month before, or in one whose lines are gone.
    timestamp: new Date(
      now.getTime() - draw(90) * 86_400_000 * (draw(3) === 0 ? 1 : 0),
    ).toISOString(),
  }))
  const ids: [string, string][] = await twins.track(pair, events)
  const holdOf = { endpoint: '/long', credits: 2 }
  const holds = await twins.both(pair, ({ id }) =>
    node.call('POST', '/api/holds', twins.service.key, { tenant_id: id, credits: holdOf.credits }),
  )
  if (holds[0].status === 201 && draw(2) === 0) {
    await twins.both(pair, (_, place) => {
      const { hold_id: hold } = holds[place]!.body
      return node.call('POST', `/api/holds/${hold}/settle`, twins.service.key, { credits: 1 })
    })
  }
  return ids
}

/** What was cut off meanwhile cannot be voided: then the twin is left alone, too. */
async function voidOne(pair: [Twin, Twin], ids: [string, string]): Promise<void> {
  const ask = (id: string) =>
    node.call('POST', `/api/events/${id}/void`, twins.service.key, { reason: 'test' })
  const first = await ask(ids[0])
  if (first.status === 410) return
  assert.equal(first.status, (await ask(ids[1])).status, pair[0].id)
}

async function credit(pair: [Twin, Twin], credits: number): Promise<void> {
  const [given] = await twins.both(pair, ({ id }) =>
    node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount: credits, reason: 'a gift' }),
  )
  expectStatus(given, 201)
}

async function moveTo(pair: [Twin, Twin], now: Date): Promise<void> {
  for (const { id } of pair) {
    const path = `/api/admin/tenants/${id}/clock`
    expectStatus(await node.admin('POST', path, { now: now.toISOString() }), 200)
  }
}

/** By one, by two at once, in small steps, or stopped in the middle. */
async function retainSomehow(twin: Twin, draw: (below: number) => number): Promise<void> {
  let steps = draw(4)
  const stopping = { linesPerCut: 1 + draw(5), mayGoOn: () => steps-- > 0 }
  if (draw(2) === 0) await twins.retain(twin, stopping)
  else await Promise.all([twins.retain(twin), twins.retain(twin)])
}

async function countLines({ no }: Twin): Promise<number> {
  const { rows } = await pool.query('SELECT count(*) AS n FROM entry WHERE tenant_no = $1', [no])
  return Number(rows[0].n)
}

const QUERIES = ['current_month', 'last_month', 'last_7_days', 'last_30_days'].flatMap((period) => [
  `/api/usage/history?granularity=daily&period=${period}`,
  `/api/usage/breakdown?period=${period}`,
])

/** What the plan does not let them read is refused to both; what is deleted, to one. */
async function assertSame(pair: [Twin, Twin]): Promise<void> {
  const [left, whole] = await Promise.all(pair.map((twin) => twins.view(twin, QUERIES)))
  assert.deepEqual(left, whole)
}

async function assertVerified(): Promise<void> {
  const client = await pool.connect()
  try {
    assert.deepEqual((await verifyRollups(client)).differences, [])
    assert.deepEqual((await verifyInvoices(client, catalog)).differences, [])
  } finally {
    client.release()
  }
  assert.deepEqual(await differencesIn(pool.options.connectionString!), [])
}
