import type { Granularity } from '@tollgate/contract'
import { hourZoneOf } from './rollups/hour-zone.ts'

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

const HOUR_MS = 3_600_000
const STEP_MS = { minute: 60_000, second: 1_000 }

/**
 * The stretches of [from, to), in order. Weeks begin on Monday; what the range cuts begins or ends where
 * it is cut. Hours end when clocks show a full one: the day on which they change has more or fewer.
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
  if (granularity === 'hourly') return nextHour(start, timeZone)
  if (granularity === 'minute' || granularity === 'second') return start + STEP_MS[granularity]
  const day = dayAt(start, timeZone)
  if (granularity === 'daily') return startOfDay(day.add({ days: 1 }), timeZone)
  if (granularity === 'weekly') {
    return startOfDay(day.add({ days: 8 - day.dayOfWeek }), timeZone)
  }
  return startOfDay(day.with({ day: 1 }).add({ months: 1 }), timeZone)
}

/**
 * An hour later. Where clocks are set by half an hour, as on Lord Howe Island, a stretch ends there, and the
 * next one at the full hour.
 */
function nextHour(start: number, timeZone: string): number {
  if (hourZoneOf(timeZone) === 'UTC') return start + HOUR_MS
  const local = localTime(start, timeZone)
  const next = startOfHour(start, timeZone) + HOUR_MS
  const shift = localTime(next, timeZone).offsetNanoseconds - local.offsetNanoseconds
  if (shift % (HOUR_MS * 1_000_000) === 0) return next
  return local.getTimeZoneTransition('next')!.epochMilliseconds
}

/** When the hour began that clocks of the zone show, if they had always been set as they are at `at`. */
export function startOfHour(at: number, timeZone: string): number {
  const { minute, second, millisecond } = localTime(at, timeZone)
  return at - minute * 60_000 - second * 1_000 - millisecond
}

/**
 * Where rollups have hours that begin so: those of a zone whose clocks were set by half an hour are called by
 * when they would have begun.
 * @param starts of hours one after the other, and last where the last one ends
 */
export function rolledHours(starts: readonly number[], timeZone: string): readonly number[] {
  return starts.map((start, index) => {
    const isWhole = starts[index + 1] === start + HOUR_MS || index === starts.length - 1
    return isWhole ? start : startOfHour(start, timeZone)
  })
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
