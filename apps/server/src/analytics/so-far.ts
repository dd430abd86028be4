import { dayAt, startOfDay } from './calendar.ts'
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

/**
 * Of the last `ms` up to now, from the log. Who has too many calls for that is told an estimate: the hours
 * that lie within, and of the one in which it begins the part that does.
 */
export async function usageOfLast(
  ms: number,
  source: UsageSource,
  now: number,
): Promise<RecentUsage> {
  const from = now - ms
  const reader = await loggedReader(source, [from, now + 1])
  if (reader !== null) return sumOf(await reader.by(['total']))
  const first = from - (from % HOUR_MS)
  const starts: number[] = []
  for (let start = first; start <= now; start += HOUR_MS) starts.push(start)
  const usage = await hourlyReader(source, [...starts, starts.at(-1)! + HOUR_MS]).by(['total'])
  const begun = sumOf(usage.filter(({ place }) => place === 0))
  const rest = sumOf(usage.filter(({ place }) => place > 0))
  // Of an hour that still runs all calls were made until now.
  const length = Math.min(HOUR_MS, now - first)
  const part = length === 0 ? 1 : (length - (from - first)) / length
  const estimate = (of: keyof RecentUsage) => Math.round(rest[of] + part * begun[of])
  return {
    calls: estimate('calls'),
    failed: estimate('failed'),
    ms: estimate('ms'),
    timed: estimate('timed'),
  }
}
