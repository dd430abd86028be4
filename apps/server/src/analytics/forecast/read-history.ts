import type { Subject } from '../answer.ts'
import { dayAt, startOfDay } from '../calendar.ts'
import { readableFrom } from '../gate.ts'
import { NO_USAGE, sumOf, type Usage } from '../readings/measures.ts'
import { dailyReader } from '../readings/reader.ts'
import { wholeDaysBefore } from './days.ts'

const HISTORY_DAYS = 84

export type History = {
  /** Whole days from the first with a call on. */
  days: readonly (Usage & { weekday: number })[]
  first: string | null
  last: string | null
  /** In the running period. */
  soFar: Usage
}
/** What the plan lets be read of the last twelve weeks, and what was used since the period began. */
export async function readHistory(
  { source, account, terms, now: at, keptFrom, gated }: Subject,
  now: number,
): Promise<History> {
  const { timeZone, period } = account
  const readable = gated ? readableFrom(account, at, terms.features) : 0
  const since = Math.max(0, readable, keptFrom ?? 0)
  const before = wholeDaysBefore(now, { days: HISTORY_DAYS, since, timeZone })
  const { starts, dates } = before
  const tomorrow = startOfDay(dayAt(at, timeZone).add({ days: 1 }), timeZone)
  const begun = startOfDay(dayAt(period.start, timeZone), timeZone)
  const [rows, sinceBegun] = await Promise.all([
    starts.length < 2 ? [] : dailyReader(source, starts).by(['total']),
    dailyReader(source, [begun, tomorrow]).by(['total']),
  ])
  const byPlace = Map.groupBy(rows, ({ place }) => place)
  const all = dates.map((date, place) => ({
    ...sumOf(byPlace.get(place) ?? [NO_USAGE]),
    date,
    weekday: Temporal.PlainDate.from(date).dayOfWeek,
  }))
  const first = all.findIndex(({ calls }) => calls > 0)
  const days = first < 0 ? [] : all.slice(first)
  const [from = null, to = null] = [days[0]?.date, days.at(-1)?.date]
  return { days, first: from, last: to, soFar: sumOf(sinceBegun) }
}
