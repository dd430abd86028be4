import assert from 'node:assert/strict'
import { test } from 'node:test'
import { summaryReply } from '@tollgate/contract'
import fc from 'fast-check'
import { micros, newAccount } from '../../test/ledger-accounts.ts'
import { histories, walk } from '../../test/ledger-histories.ts'
import { testPlan, testPlanVersion } from '../../test/ledger-plans.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { openAccount } from '../ledger/account.ts'
import type { PeriodCounters } from '../ledger/types.ts'
import { usageSummary } from './summary.ts'

const START = Date.parse('2025-01-01T00:00:00Z')
const DAY_MS = 86_400_000

function summary(
  used: number,
  limit: number | null,
  { now = START, ...counted }: Partial<PeriodCounters> & { now?: number } = {},
) {
  const opening = { tenantNo: 1, planVersionNo: 1, timeZone: 'UTC', region: null, now: START }
  const account = openAccount(opening)
  const counters = { ...account.counters, ...counted, used: micros(used) }
  const quota = limit === null ? null : ({ limit: micros(limit), overage: 'charge' } as const)
  const terms: PlanTerms = { ...testPlan('open'), plan: 'pro', quota }
  return usageSummary({ ...account, counters }, terms, now)
}

test('the example of the PRD comes out, number for number', () => {
  // 31 days have begun; 3,847 used in them make 124 a day.
  const now = Date.parse('2025-01-31T10:00:00Z')
  const bytes = { bytes: 487_293_847, largestBytes: 49_597_645 }
  assert.deepEqual(summary(3_847, 10_000, { now, ...bytes }), {
    period: { start: '2025-01-01T00:00:00Z', end: '2025-01-31T23:59:59Z', timezone: 'UTC' },
    subscription: {
      plan: 'pro',
      status: 'active',
      renewed_at: '2025-01-01T00:00:00Z',
      expires_at: '2025-02-01T00:00:00Z',
    },
    usage: {
      conversions: { used: 3_847, limit: 10_000, percentage: 38.47, remaining: 6_153 },
      storage: { bytes_processed: 487_293_847, mb_processed: 464.7, largest_file_mb: 47.3 },
    },
    current_rate: { daily_average: 124, projected_monthly: 3_720, days_until_limit: 49 },
  })
})

test('before anything was used nothing is divided by zero', () => {
  const { usage, current_rate } = summary(0, 100)
  assert.deepEqual(usage.conversions, { used: 0, limit: 100, percentage: 0, remaining: 100 })
  assert.deepEqual(current_rate, { daily_average: 0, projected_monthly: 0, days_until_limit: null })
})

test('without a limit there is nothing to reach', () => {
  const { usage, current_rate } = summary(10, null)
  assert.deepEqual(usage.conversions, { used: 10, limit: null, percentage: null, remaining: null })
  assert.equal(current_rate.days_until_limit, null)
})

test('a limit of nothing is reached with the first unit', () => {
  assert.equal(summary(0, 0).usage.conversions.percentage, 0)
  assert.equal(summary(1, 0).usage.conversions.percentage, 100)
})

test('beyond a soft limit nothing remains, and the percentage says how far beyond', () => {
  const { usage, current_rate } = summary(150, 100)
  assert.deepEqual([usage.conversions.remaining, usage.conversions.percentage], [0, 150])
  assert.equal(current_rate.days_until_limit, 0)
})

test('a day counts from its first moment on', () => {
  const average = (now: number) => summary(100, null, { now }).current_rate.daily_average
  assert.equal(average(START), 100)
  assert.equal(average(START + DAY_MS), 100)
  assert.equal(average(START + DAY_MS + 1), 50)
})

test('parts of units are exact', () => {
  assert.equal(summary(0.3, 0.4).usage.conversions.remaining, 0.1)
  assert.equal(summary(0.000001, 1).usage.conversions.remaining, 0.999999)
})

test('whatever happened, the summary is what the contract promises', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      for (const { outcome } of walk(newAccount(plan), steps).slice(-3)) {
        const { account } = outcome
        const terms = testPlanVersion(account.planVersionNo)
        summaryReply.parse(usageSummary(account, terms, account.lastAt))
      }
    }),
    { numRuns: 60 },
  )
})
