/** Half-open [start, end), in milliseconds since 1970 UTC. */
export type Period = { start: number; end: number }

/** More than the ends of a month can be apart in two zones, and less than a month. */
const HALF_A_MONTH_MS = 15 * 86_400_000

/**
 * The billing month that contains `at`. Months begin at local midnight of the day on which `anchor`
 * falls in `timeZone`; an anchor on the 29th to 31st falls on the last day of shorter months and
 * comes back to its own day in longer ones.
 */
export function periodAt(anchor: number, timeZone: string, at: number): Period {
  const firstDay = localDay(anchor, timeZone)
  const day = localDay(at, timeZone)
  const startOf = (month: number) => startOfMonth(firstDay, month, timeZone)

  // An estimate, right within one month; only instants decide, since a local date can come twice
  // where clocks are set back over midnight.
  let month = (day.year - firstDay.year) * 12 + day.month - firstDay.month
  while (startOf(month) > at) month -= 1
  while (startOf(month + 1) <= at) month += 1
  return { start: startOf(month), end: startOf(month + 1) }
}

/**
 * The period that contains `at`, of those that follow one which ended at `end`. The first of them
 * begins there, so that nothing lies between, also where `end` was a month's end in another zone: then
 * it ends where the month does that it is most of. That makes 27 to 35 days: one instant has two dates
 * in two zones, and what is the last of February here can be the first of March there.
 * @param at not before `end`
 */
export function periodAfter(end: number, anchor: number, timeZone: string, at: number): Period {
  const next = { start: end, end: periodAt(anchor, timeZone, end + HALF_A_MONTH_MS).end }
  return at < next.end ? next : periodAt(anchor, timeZone, at)
}

/** Whether it is the name of a zone, as in the IANA database. Offsets such as `+02:00` are not. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Temporal.ZonedDateTime(0n, name)
    return true
  } catch {
    return false
  }
}

function localDay(at: number, timeZone: string): Temporal.PlainDate {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(timeZone).toPlainDate()
}

// Counted from the first day and not from the month before, or the 31st would become the 28th for
// good. A day without midnight begins with its first moment.
function startOfMonth(firstDay: Temporal.PlainDate, month: number, timeZone: string): number {
  return firstDay.add({ months: month }).toZonedDateTime(timeZone).epochMilliseconds
}
