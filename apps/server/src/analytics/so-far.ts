import { dayAt, startOfDay, startOfHour } from './calendar.ts'
import type { UsageSource } from './readings/folded-reader.ts'
import { loggedReader } from './readings/logged-reader.ts'
import { sumOf, type Usage } from './readings/measures.ts'
import { dailyReader, hourlyReader } from './readings/reader.ts'

const HOUR_MS = 3_600_000

/** Of the day that runs where the tenant lives. */
export async function usageToday(source: UsageSource, now: number): Promise<Usage> {
  const day = dayAt(now, source.timeZone)
  const today = [day, day.add({ days: 1 })].map((one) => startOfDay(one, source.timeZone))
  return sumOf(await dailyReader(source, today).by(['total']))
}

export type RecentUsage = Pick<Usage, 'calls' | 'failed' | 'ms' | 'timed'>

/** Of the last `ms` up to now, from the log; of who has too many calls for that, an estimate. */
export async function usageOfLast(
  ms: number,
  source: UsageSource,
  now: number,
): Promise<RecentUsage> {
  const reader = await loggedReader(source, [now - ms, now + 1])
  if (reader === null) return estimatedOfLast(ms, source, now)
  return sumOf(await reader.by(['total']))
}

/** Of the hours that lie within, and of the one in which it begins the part that does. */
export async function estimatedOfLast(
  ms: number,
  source: UsageSource,
  now: number,
): Promise<RecentUsage> {
  const from = now - ms
  const first = startOfHour(from, source.timeZone)
  const starts = [first]
  while (starts.at(-1)! <= now) starts.push(starts.at(-1)! + HOUR_MS)
  const usage = await hourlyReader(source, starts).by(['total'])
  const begun = sumOf(usage.filter(({ place }) => place === 0))
  const rest = sumOf(usage.filter(({ place }) => place > 0))
  // Of an hour that still runs all calls were made until now.
  const length = Math.min(HOUR_MS, now + 1 - first)
  const part = 1 - (from - first) / length
  const estimate = (of: keyof RecentUsage) => Math.round(rest[of] + part * begun[of])
  return {
    calls: estimate('calls'),
    failed: estimate('failed'),
    ms: estimate('ms'),
    timed: estimate('timed'),
  }
}
