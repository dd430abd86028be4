import { dayAt, startOfDay, stretchesOf } from '../calendar.ts'
import type { DayAhead } from './shape.ts'

/** What is left of a day, ms, and how much of the day that is. */
export type StretchAhead = DayAhead & {
  readonly date: string
  readonly from: number
  readonly to: number
}

/**
 * The whole days before today, and where today begins; the last `days` of them, of those that end after
 * `since`. One day may have 23 or 25 hours.
 */
export function wholeDaysBefore(
  now: number,
  { days, since, timeZone }: { days: number; since: number; timeZone: string },
): { starts: number[]; dates: string[] } {
  const today = dayAt(now, timeZone)
  const first = Math.max(startOfDay(today.subtract({ days }), timeZone), nextDay(since, timeZone))
  const end = startOfDay(today, timeZone)
  const stretches = stretchesOf(first, end, 'daily', timeZone, days + 1) ?? []
  return {
    starts: [...stretches.map(({ start }) => start), end],
    dates: stretches.map(({ label }) => label),
  }
}

/** The first moment of the first day that lies after `at` as a whole. */
function nextDay(at: number, timeZone: string): number {
  const day = dayAt(at, timeZone)
  const start = startOfDay(day, timeZone)
  return start >= at ? start : startOfDay(day.add({ days: 1 }), timeZone)
}

/** What is left of today, and the days up to `until`, of which it may cut the last. */
export function daysAhead(now: number, until: number, timeZone: string): StretchAhead[] {
  const ahead: StretchAhead[] = []
  let day = dayAt(now, timeZone)
  let from = now
  while (from < until) {
    const [start, end] = [startOfDay(day, timeZone), startOfDay(day.add({ days: 1 }), timeZone)]
    const to = Math.min(end, until)
    const share = (to - from) / (end - start)
    // Some zones have skipped a day.
    if (to > from) ahead.push({ weekday: day.dayOfWeek, share, date: day.toString(), from, to })
    day = day.add({ days: 1 })
    from = to
  }
  return ahead
}
