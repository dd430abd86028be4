import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asked, done, given, micros, newAccount, OPENED_AT } from '../../test/ledger-accounts.ts'
import { histories, walk } from '../../test/ledger-histories.ts'
import { type TestPlan, testPlan, testPlanVersion } from '../../test/ledger-plans.ts'
import { availableCredits } from './account.ts'
import { forecastCredits } from './credit-forecast.ts'
import { rollTo } from './lapse.ts'
import type { Account } from './types.ts'

const DAY_MS = 86_400_000
const at = (days: number) => OPENED_AT + days * DAY_MS

function forecast(account: Account, now: number) {
  const terms = testPlanVersion(account.planVersionNo)
  return forecastCredits(rollTo(account, terms, now), terms, terms, now)
}

/** Has burned `burned` of what it had, so that `left` are left. */
function account(plan: TestPlan, burned: number, left: number): Account {
  const had = given(newAccount(plan), burned + left)
  return burned === 0 ? had : done(had, asked('call', burned)).account
}

test('credits end when they have burned on as they did until now', () => {
  // 4 in two days; 10 last for five.
  const { perDay, runsOutAt, reason } = forecast(account('prepaid', 4, 10), at(2))
  assert.deepEqual([perDay, runsOutAt, reason], [micros(2), at(7), null])
})

test('what expires on the way does not last, and what ends with the month comes again', () => {
  const expiring = given(account('prepaid', 4, 4), 6, { expiresAt: at(3), priority: 200 })
  // By then two of four are burned, six go unused, and two are left for a day.
  assert.equal(forecast(expiring, at(2)).runsOutAt, at(4))
  // Ten come every month, and a tenth a day burns.
  const monthly = done(newAccount('monthly'), asked('call', 0.2)).account
  const covered = forecast(monthly, at(2))
  assert.deepEqual([covered.runsOutAt, covered.reason], [null, 'beyond_horizon'])
})

test('without credits, usage or time there is no forecast and no division by zero', () => {
  const none = (given: Account, now: number) => {
    const { runsOutAt, reason, perDay } = forecast(given, now)
    assert.equal(runsOutAt, null)
    return [reason, perDay]
  }
  assert.deepEqual(none(newAccount('open'), OPENED_AT), ['credits_not_required', 0n])
  assert.deepEqual(none(newAccount('prepaid'), OPENED_AT), ['too_little_data', null])
  assert.deepEqual(none(newAccount('prepaid'), at(1)), ['no_usage', 0n])
  assert.deepEqual(none(account('prepaid', 1, 1), OPENED_AT + 60_000), ['too_little_data', null])
  const paused: Account = { ...account('prepaid', 1, 1), subscription: 'paused' }
  assert.deepEqual(none(paused, at(1)), ['not_running', null])
})

test('whatever an account has been through, the forecast is a time from now on, or a reason', () => {
  const law = fc.property(histories, fc.integer({ min: 0, max: 70 }), ({ plan, steps }, days) => {
    const last = walk(newAccount(plan), steps).at(-1)
    const { account } = last?.outcome ?? { account: newAccount(plan) }
    const now = Math.max(account.lastAt, OPENED_AT) + days * DAY_MS
    const { perDay, runsOutAt, reason, from } = forecast(account, now)
    assert.ok(from <= now)
    assert.ok(perDay === null || perDay >= 0n)
    assert.equal(runsOutAt === null, reason !== null)
    if (runsOutAt !== null) assert.ok(Number.isSafeInteger(runsOutAt) && runsOutAt >= now)
    const rolled = rollTo(account, testPlan(plan), now)
    if (runsOutAt !== null && availableCredits(rolled) === 0n) assert.equal(runsOutAt, now)
  })
  fc.assert(law, { numRuns: 300 })
})
