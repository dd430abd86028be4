import type { UsageSummary } from '@tollgate/contract'
import type { PlanTerms } from '../catalog/types.ts'
import { subscriptionStatus } from '../ledger/subscription.ts'
import type { Account } from '../ledger/types.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { wirePeriod, wireSecond } from '../lib/wire-period.ts'
import type { Verb } from './answer.ts'
import { megabytes, percentageOf, round } from './rates.ts'

/** What changes a summary besides the log: days that begin, a period that ends, and a trial. */
export const summary: Verb<object, UsageSummary> = ({ account, terms, now }) => ({
  dependsOn: [
    ...[account.period.start, daysSoFar(account.period.start, now)],
    subscriptionStatus(account, now),
  ],
  read: async () => usageSummary(account, terms, now),
})

const DAY_MS = 86_400_000
const PROJECTED_DAYS = 30

/**
 * The PRD's usage summary, from the account alone: it costs the same after ten events and after ten
 * million. The formulas are the PRD's, but no number of it is text, and nothing is divided by zero.
 */
export function usageSummary(account: Account, terms: PlanTerms, now: number): UsageSummary {
  const { period, counters } = account
  const used = numberFromMicros(counters.used)
  const limit = terms.quota === null ? null : numberFromMicros(terms.quota.limit)
  const remaining = limit === null ? null : Math.max(0, round(limit - used, 6))
  const dailyAverage = Math.round(used / daysSoFar(period.start, now))
  return {
    period: wirePeriod(period, account.timeZone),
    subscription: {
      plan: terms.plan,
      status: subscriptionStatus(account, now),
      renewed_at: wireSecond(period.start),
      expires_at: wireSecond(period.end),
    },
    usage: {
      conversions: {
        used,
        limit,
        percentage: limit === null ? null : percentageOf(used, limit),
        remaining,
      },
      storage: {
        bytes_processed: counters.bytes,
        mb_processed: megabytes(counters.bytes),
        largest_file_mb: megabytes(counters.largestBytes),
      },
    },
    current_rate: {
      daily_average: dailyAverage,
      projected_monthly: dailyAverage * PROJECTED_DAYS,
      days_until_limit:
        remaining === null || dailyAverage === 0 ? null : Math.floor(remaining / dailyAverage),
    },
  }
}

/** Days of the period that have begun: the first counts as one from its first second. */
function daysSoFar(start: number, now: number): number {
  return Math.max(1, Math.ceil((now - start) / DAY_MS))
}
