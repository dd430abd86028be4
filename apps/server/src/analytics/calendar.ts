import type { Granularity } from '@tollgate/contract'

/** A stretch of an answer: where it begins, ms, and how it is called. */
export type Stretch = { start: number; label: string }

/** When a day begins in a zone. One without midnight begins with its first moment. */
export function startOfDay(day: Temporal.PlainDate, timeZone: string): number {
  return day.toZonedDateTime(timeZone).epochMilliseconds
}

export function dayAt(at: number, timeZone: string): Temporal.PlainDate {
  return localTime(at, timeZone).toPlainDate()
}

/** Days that have begun by `now`, of those that lie between; at least one. */
export function daysBegun(from: number, to: number, timeZone: string, now: number): number {
  const last = Math.max(from, Math.min(to - 1, now))
  return dayAt(from, timeZone).until(dayAt(last, timeZone), { largestUnit: 'days' }).days + 1
}

const STEP_MS = { hourly: 3_600_000, minute: 60_000, second: 1_000 }

/**
 * The stretches of [from, to), in order. Weeks begin on Monday; what the range cuts begins or ends where
 * it is cut. Hours are counted from where the range begins, so that each lasts an hour.
 * @returns null when there are more than `max`
 */
export function stretchesOf(
  from: number,
  to: number,
  granularity: Granularity,
  timeZone: string,
  max: number,
): Stretch[] | null {
  const stretches: Stretch[] = []
  let start = from
  while (start < to) {
    if (stretches.length === max) return null
    stretches.push({ start, label: labelOf(start, granularity, timeZone) })
    start = nextStart(start, granularity, timeZone)
  }
  return stretches
}

function nextStart(start: number, granularity: Granularity, timeZone: string): number {
  if (granularity === 'hourly' || granularity === 'minute' || granularity === 'second') {
    return start + STEP_MS[granularity]
  }
  const day = dayAt(start, timeZone)
  if (granularity === 'daily') return startOfDay(day.add({ days: 1 }), timeZone)
  if (granularity === 'weekly') {
    return startOfDay(day.add({ days: 8 - day.dayOfWeek }), timeZone)
  }
  return startOfDay(day.with({ day: 1 }).add({ months: 1 }), timeZone)
}

function labelOf(start: number, granularity: Granularity, timeZone: string): string {
  const local = localTime(start, timeZone)
  if (granularity === 'monthly') return local.toPlainDate().toString().slice(0, 7)
  if (granularity === 'daily' || granularity === 'weekly') return local.toPlainDate().toString()
  const text = local.toString({ timeZoneName: 'never', smallestUnit: 'second' })
  return text.replace('+00:00', 'Z')
}

function localTime(at: number, timeZone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone)
}
