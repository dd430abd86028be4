import type { Granularity } from '@tollgate/contract'
import { invalidField } from '../../lib/problem-error.ts'
import { rolledHours, type Stretch } from '../calendar.ts'
import { isFine, type Range } from '../range.ts'
import { FoldedReader, type UsageReader, type UsageSource } from './folded-reader.ts'
import { loggedReader } from './logged-reader.ts'

/** Usage in each of the dates of a range. @throws ProblemError invalid_request */
export async function readerOf(
  source: UsageSource,
  { to, timeZone }: Range,
  dates: readonly Stretch[],
  granularity: Granularity,
): Promise<UsageReader> {
  const starts = [...dates.map(({ start }) => start), to]
  if (granularity === 'hourly') return hourlyReader(source, rolledHours(starts, timeZone))
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

/** @param starts hours of the tenant's zone, as rollups have them: where stretches begin, and last where the last one ends */
export function hourlyReader(source: UsageSource, starts: readonly number[]): UsageReader {
  return new FoldedReader(source, starts, false)
}

/** @param starts as above, but days: there are fewer of them to read */
export function dailyReader(source: UsageSource, starts: readonly number[]): UsageReader {
  return new FoldedReader(source, starts, true)
}
