import { dayAt, startOfDay } from '../analytics/calendar.ts'
import { percentageOf, reaches } from '../analytics/rates.ts'
import type { RecentUsage } from '../analytics/so-far.ts'
import type { AccountNow } from '../ledger/readings.ts'
import { numberFromMicros } from '../lib/micros.ts'
import type { AlertDetail, AlertRule } from './types.ts'

const MINUTE_MS = 60_000

/** What a rule may have to look at. */
export type Looks = {
  /** Of the day that runs; fewer than `enough` may be any number below it. */
  callsToday(enough: number): Promise<number>
  last(ms: number): Promise<Pick<RecentUsage, 'calls' | 'failed'>>
}

/**
 * For what a rule would be raised now, once: a period and its quota, a day, and of an error rate the time
 * since it was raised last, which is at least its window. Null: there is nothing that could be reached.
 */
export function occasionOf(rule: AlertRule, { account, terms, now }: AccountNow): string | null {
  switch (rule.type) {
    case 'quota_threshold':
      return terms.quota === null ? null : `${account.period.start} ${terms.quota.limit}`
    case 'daily_limit':
      return dayAt(now, account.timeZone).toString()
    case 'error_rate': {
      const { raised } = rule
      if (raised === null) return 'first'
      return now - raised.at < windowMs(rule) ? raised.occasion : `after ${raised.seq}`
    }
  }
}

/** What the log is to say where the threshold is reached; null: it is not. */
export async function judge(
  rule: AlertRule,
  { account, terms, now }: AccountNow,
  looks: Looks,
): Promise<AlertDetail | null> {
  const { threshold } = rule
  switch (rule.type) {
    case 'quota_threshold': {
      const { used } = account.counters
      const limit = terms.quota?.limit ?? null
      if (limit === null || !reaches(used, limit, threshold)) return null
      const value = percentageOf(numberFromMicros(used), numberFromMicros(limit))
      return detailOf(rule, value, account.period.start)
    }
    case 'daily_limit': {
      const calls = await looks.callsToday(threshold)
      if (calls < threshold) return null
      const day = dayAt(now, account.timeZone)
      return detailOf(rule, calls, startOfDay(day, account.timeZone))
    }
    case 'error_rate': {
      const { calls, failed } = await looks.last(windowMs(rule))
      if (!reaches(BigInt(failed), BigInt(calls), threshold)) return null
      return detailOf(rule, percentageOf(failed, calls), now - windowMs(rule))
    }
  }
}

function windowMs({ windowMinutes }: AlertRule): number {
  return windowMinutes! * MINUTE_MS
}

function detailOf(rule: AlertRule, value: number, since: number): AlertDetail {
  const { alertId, type, threshold } = rule
  return { alert_id: alertId, type, threshold, value, since: new Date(since).toISOString() }
}
