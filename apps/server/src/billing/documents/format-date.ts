const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/** `1 Nov 2026`, the day that it is in the time zone. Our own words: those of Intl change with its data. */
export function formatDate(instant: string, timeZone: string): string {
  const { day, month, year } = dayOf(instant, timeZone)
  return `${day} ${MONTHS[month - 1]} ${year}`
}

/** `2026-11-01`, for programs. */
export function formatIsoDate(instant: string, timeZone: string): string {
  return dayOf(instant, timeZone).toString()
}

export function formatDates(start: string, end: string, timeZone: string): string {
  const [first, last] = [formatDate(start, timeZone), formatDate(end, timeZone)]
  return first === last ? first : `${first} – ${last}`
}

function dayOf(instant: string, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone).toPlainDate()
}
