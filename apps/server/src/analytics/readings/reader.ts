import type { Granularity } from '@tollgate/contract'
import { invalidField } from '../../lib/problem-error.ts'
import type { Stretch } from '../calendar.ts'
import { isFine, type Range } from '../range.ts'
import {
  dailyReader,
  hourlyReader,
  loggedReader,
  type UsageReader,
  type UsageSource,
} from './usage.ts'

/** Usage in each of the dates of a range. @throws ProblemError invalid_request */
export async function readerOf(
  source: UsageSource,
  { to }: Range,
  dates: readonly Stretch[],
  granularity: Granularity,
): Promise<UsageReader> {
  const starts = [...dates.map(({ start }) => start), to]
  if (granularity === 'hourly') return hourlyReader(source, starts)
  if (!isFine(granularity)) return dailyReader(source, starts)
  const reader = await loggedReader(source, starts)
  if (reader !== null) return reader
  const message = 'there are too many calls for dates so fine; ask for a shorter range'
  throw invalidField('granularity', message)
}

/** Usage in a whole range. */
export function wholeReader(source: UsageSource, { from, to }: Range): UsageReader {
  return dailyReader(source, [from, to])
}
