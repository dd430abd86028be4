import type { UsageCurrent } from '@tollgate/contract'
import { numberFromMicros } from '../lib/micros.ts'
import type { Subject, Verb } from './answer.ts'
import { needOf, requireFeature } from './gate.ts'
import { average, percentageOf, reaches, successRate } from './rates.ts'
import { usageOfLast, usageToday } from './so-far.ts'

const HOUR_MS = 3_600_000
/** Percent of the quota from which on it is told, where nobody has set anything else. */
const ALERT_THRESHOLD = 80

/** Today and the last sixty minutes. */
export const usageCurrent: Verb<object, UsageCurrent> = (subject) => {
  const { account, terms, catalog, now, gated, source, quotaAlertOf } = subject
  if (gated) requireFeature(catalog, terms, needOf('realtime'))
  const second = Math.floor(now / 1_000) * 1_000
  let known: Promise<number | null> | null = null
  const alertThreshold = async () => {
    known ??= quotaAlertOf(account.tenantNo)
    return (await known) ?? ALERT_THRESHOLD
  }
  return {
    dependsOn: async () => [second, await alertThreshold()],
    async read() {
      const [today, lastHour, threshold] = await Promise.all([
        usageToday(source, now),
        usageOfLast(HOUR_MS, source, now),
        alertThreshold(),
      ])
      return {
        timestamp: instant(second),
        today: {
          conversions: today.calls,
          last_conversion: today.lastAt === null ? null : instant(today.lastAt),
          success_rate: successRate(today),
        },
        last_hour: {
          conversions: lastHour.calls,
          average_processing_time_ms: average(lastHour.ms, lastHour.timed),
        },
        quota_status: quotaStatus(subject, threshold),
      }
    },
  }
}

function quotaStatus({ account, terms }: Subject, threshold: number): UsageCurrent['quota_status'] {
  const { used } = account.counters
  const limit = terms.quota?.limit ?? null
  return {
    percentage_used:
      limit === null ? null : percentageOf(numberFromMicros(used), numberFromMicros(limit)),
    alert_threshold: threshold,
    alert_active: limit !== null && reaches(used, limit, threshold),
  }
}

/** Without milliseconds where there are none, as the Usage API writes it. */
function instant(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
