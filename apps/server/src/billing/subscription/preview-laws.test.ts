import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseExact } from '../../lib/money.ts'
import { subscribersNode } from '../../../test/subscribers.ts'

const { subscriber, ask, moveTo, upcoming, calls } = await subscribersNode()

// All have a price in the currency of each that a tenant may begin with.
const DOLLARS = ['small', 'big', 'arrears', 'free', 'try', 'paid'] as const
const step = fc.record({
  /** Seconds to the next step. */
  after: fc.integer({ min: 0, max: 6 * 86_400 }),
  plan: fc.constantFrom(...DOLLARS, 'both' as const),
  when: fc.constantFrom('now' as const, 'now' as const, 'period_end' as const),
  calls: fc.integer({ min: 0, max: 2 }),
})
const story = fc.record({
  plan: fc.constantFrom(...DOLLARS),
  start: fc.constantFrom('2025-01-31T15:00:00Z', '2024-02-29T01:02:03Z', '2025-10-20T00:00:00Z'),
  timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York'),
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
})

test('what a preview credits and charges is the difference that the change makes to the invoice', async () => {
  const law = fc.asyncProperty(story, async ({ plan, start, timeZone, steps }) => {
    const tenant = await subscriber(plan, start, { time_zone: timeZone })
    let now = Date.parse(start)
    for (const { after, calls: count, ...change } of steps) {
      now += after * 1_000
      await moveTo(tenant, new Date(now).toISOString())
      await calls(tenant, count)
      const before = parseExact((await upcoming(tenant)).total)
      const preview = await ask(tenant, '/subscription/preview', change)
      await ask(tenant, '/subscription', change)
      const then = parseExact((await upcoming(tenant)).total)
      const { credit, charge, difference } = preview
      const sum = parseExact(credit.amount).add(parseExact(charge.amount))
      assert.equal(then.sub(before).toFixed(2), difference)
      assert.equal(sum.toFixed(2), difference)
      assert.equal(preview.upcoming_total_then, then.toFixed(2))
    }
  })
  await fc.assert(law, { numRuns: 40 })
})
