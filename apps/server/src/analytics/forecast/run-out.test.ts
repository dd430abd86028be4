import assert from 'node:assert/strict'
import { test } from 'node:test'
import { micros } from '../../../test/ledger-accounts.ts'
import { testPlan } from '../../../test/ledger-plans.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { openAccount } from '../../ledger/account.ts'
import { daysAhead } from './days.ts'
import { type Forecast, forecastOf } from './forecast.ts'
import { whenQuotaEnds } from './run-out.ts'

const DAY_MS = 86_400_000
const START = Date.parse('2025-01-01T00:00:00Z')

/** Of a tenant that used so much of its quota by the 21st of January, and goes on with ten a day. */
function quotaEnds(used: number, limit: number | null, limitAfter = limit) {
  const opened = openAccount({
    tenantNo: 1,
    planVersionNo: 1,
    timeZone: 'UTC',
    region: null,
    now: START,
  })
  const account = { ...opened, counters: { ...opened.counters, used: micros(used) } }
  const plan = (units: number | null): PlanTerms => {
    const quota = units === null ? null : ({ limit: micros(units), overage: 'deny' } as const)
    return { ...testPlan('open'), quota }
  }
  const now = START + 20 * DAY_MS
  const ahead = daysAhead(now, now + 45 * DAY_MS, 'UTC')
  const history = Array.from({ length: 28 }, (_, day) => ({ weekday: (day % 7) + 1, amount: 10 }))
  const forecast: Forecast = forecastOf(history, ahead)!
  const plans = { terms: plan(limit), termsAfter: plan(limitAfter) }
  const { expected } = whenQuotaEnds(account, plans, ahead, forecast)
  return expected === null ? null : ahead[expected]!.date
}

test('the quota ends on the day whose use reaches it', () => {
  assert.equal(quotaEnds(200, 255), '2025-01-26')
  assert.equal(quotaEnds(200, 201), '2025-01-21')
  assert.equal(quotaEnds(200, 200), '2025-01-21')
  assert.equal(quotaEnds(300, 200), '2025-01-21')
})

test('it begins anew with each period, and with the plan that begins then', () => {
  // Eleven days are left of January, 110 units.
  assert.equal(quotaEnds(200, 315), null)
  assert.equal(quotaEnds(200, 315, 45), '2025-02-05')
  assert.equal(quotaEnds(200, 1_000, null), null)
  assert.equal(quotaEnds(200, null, 15), '2025-02-02')
})

test('without a limit it never ends', () => {
  assert.equal(quotaEnds(1_000_000, null), null)
})
