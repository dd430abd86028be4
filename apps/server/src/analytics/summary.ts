import type { UsageSummary } from '@tollgate/contract'
import type { PlanTerms } from '../catalog/types.ts'
import { subscriptionStatus } from '../ledger/subscription.ts'
import type { Account } from '../ledger/types.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { wirePeriod, wireSecond } from '../lib/wire-period.ts'

const DAY_MS = 86_400_000
const MB = 1_024 * 1_024
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
        percentage: limit === null ? null : percentage(used, limit),
        remaining,
      },
      storage: {
        bytes_processed: counters.bytes,
        mb_processed: round(counters.bytes / MB, 1),
        largest_file_mb: round(counters.largestBytes / MB, 1),
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

function percentage(used: number, limit: number): number {
  if (limit === 0) return used === 0 ? 0 : 100
  return round((used / limit) * 100, 2)
}

function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}
