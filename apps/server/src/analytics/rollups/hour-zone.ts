const HOUR_NS = 3_600_000_000_000
/** Nothing that is counted happened before; nor do zones plan their offsets further ahead. */
const FROM = Temporal.Instant.from('2000-01-01T00:00:00Z')
const YEAR_MAX = 2060

const known = new Map<string, string>()

/**
 * The zone whose hours a time zone has: UTC where all its offsets are whole hours, else itself. Whoever
 * moves between two zones with the same hours keeps the rollups.
 */
export function hourZoneOf(timeZone: string): string {
  const found = known.get(timeZone) ?? (hasWholeHours(timeZone) ? 'UTC' : timeZone)
  known.set(timeZone, found)
  return found
}

function hasWholeHours(timeZone: string): boolean {
  let at: Temporal.ZonedDateTime | null = FROM.toZonedDateTimeISO(timeZone)
  while (at !== null && at.year < YEAR_MAX) {
    if (at.offsetNanoseconds % HOUR_NS !== 0) return false
    at = at.getTimeZoneTransition('next')
  }
  return true
}
