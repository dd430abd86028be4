import type { UsageCurrent } from '@tollgate/contract'
import { numberFromMicros } from '../lib/micros.ts'
import type { Subject, Verb } from './answer.ts'
import { dayAt, startOfDay } from './calendar.ts'
import { needOf, requireFeature } from './gate.ts'
import { average, percentageOf, successRate } from './rates.ts'
import type { UsageSource } from './readings/folded-reader.ts'
import { loggedReader } from './readings/logged-reader.ts'
import { sumOf, type Usage } from './readings/measures.ts'
import { dailyReader, hourlyReader } from './readings/reader.ts'

type HourUsage = Pick<Usage, 'calls' | 'ms' | 'timed'>

const HOUR_MS = 3_600_000
/** Percent of the quota from which on it is told, where nobody has set anything else. */
const ALERT_THRESHOLD = 80

/** Today and the last sixty minutes. */
export const usageCurrent: Verb<object, UsageCurrent> = (subject) => {
  const { account, terms, catalog, now, gated, source } = subject
  if (gated) requireFeature(catalog, terms, needOf('realtime'))
  const second = Math.floor(now / 1_000) * 1_000
  const day = dayAt(now, account.timeZone)
  const today = [day, day.add({ days: 1 })].map((one) => startOfDay(one, account.timeZone))
  return {
    dependsOn: [second],
    async read() {
      const [ofDay, hourTotal] = await Promise.all([
        dailyReader(source, today).by(['total']),
        lastHour(source, now),
      ])
      const dayTotal = sumOf(ofDay)
      return {
        timestamp: instant(second),
        today: {
          conversions: dayTotal.calls,
          last_conversion: dayTotal.lastAt === null ? null : instant(dayTotal.lastAt),
          success_rate: successRate(dayTotal),
        },
        last_hour: {
          conversions: hourTotal.calls,
          average_processing_time_ms: average(hourTotal.ms, hourTotal.timed),
        },
        quota_status: quotaStatus(subject),
      }
    },
  }
}

/**
 * The last sixty minutes, from the log. Who has too many calls for that is told an estimate: the hour
 * that runs, and of the one before the part that is still within.
 */
async function lastHour(source: UsageSource, now: number): Promise<HourUsage> {
  const reader = await loggedReader(source, [now - HOUR_MS, now + 1])
  if (reader !== null) return sumOf(await reader.by(['total']))
  const start = now - (now % HOUR_MS)
  const usage = await hourlyReader(source, [start - HOUR_MS, start, start + HOUR_MS]).by(['total'])
  const [before, running] = [0, 1].map((place) => sumOf(usage.filter((one) => one.place === place)))
  const part = 1 - (now - start) / HOUR_MS
  const estimate = (of: keyof HourUsage) => Math.round(running![of] + part * before![of])
  return { calls: estimate('calls'), ms: estimate('ms'), timed: estimate('timed') }
}

function quotaStatus({ account, terms }: Subject): UsageCurrent['quota_status'] {
  const { quota } = terms
  const used = numberFromMicros(account.counters.used)
  const percentage = quota === null ? null : percentageOf(used, numberFromMicros(quota.limit))
  return {
    percentage_used: percentage,
    alert_threshold: ALERT_THRESHOLD,
    alert_active: percentage !== null && percentage >= ALERT_THRESHOLD,
  }
}

/** Without milliseconds where there are none, as the Usage API writes it. */
function instant(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z')
}
