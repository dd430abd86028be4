import { invalidField } from '../../lib/problem-error.ts'
import { USAGE_LOG_LINES_MAX } from '../../limits.ts'
import type { Stretch } from '../calendar.ts'
import type { Range } from '../range.ts'
import { type UsageSource, withoutName } from '../readings/folded-reader.ts'
import { logStretch } from '../readings/logged-reader.ts'
import type { UsageOf } from '../readings/measures.ts'
import { unpackedUsage } from '../readings/packed.ts'
import type { Aspect } from './filters.ts'
import type { LineFilter } from './line-filter.ts'
import { readFilteredUsage, readLoggedSenders } from './store.ts'

/** Of those who sent calls, by their numbers in the log, who is meant. */
export type ChooseSenders = (senderNos: number[]) => Promise<number[]>

/**
 * By the values of one thing, in each of the dates; by so many with most calls, and the others together.
 * @param valuesMax null: by all of them
 */
type FilteredReader = (aspect: Aspect, valuesMax: number | null) => Promise<UsageOf[]>

/**
 * Calls to which a filter applies, from the lines of the log. As with `loggedReader` their number is bounded,
 * and so is how late a call may be recorded.
 * @param choose null: whoever sent them
 * @param field that asks for it
 * @throws ProblemError invalid_request, when there are too many lines
 */
export async function filteredReader(
  source: UsageSource,
  { to }: Range,
  dates: readonly Stretch[],
  { filter, choose, field }: { filter: LineFilter; choose: ChooseSenders | null; field: string },
): Promise<FilteredReader> {
  const { pool, tenantNo } = source
  const starts = [...dates.map(({ start }) => start), to]
  const stretch = await logStretch(source, starts[0]!, to)
  if (stretch.through - stretch.after > USAGE_LOG_LINES_MAX) {
    const message = `this is read from the log, which has more than ${USAGE_LOG_LINES_MAX} lines there; ask for a shorter range`
    throw invalidField(field, message)
  }
  const senderNos =
    choose === null ? null : await choose(await readLoggedSenders(pool, tenantNo, stretch))
  const chosen = { ...filter, senderNos }
  return async (aspect, valuesMax) => {
    const asked = { tenantNo, starts, ...aspect, valuesMax }
    const usages = unpackedUsage(await readFilteredUsage(pool, asked, stretch, chosen))
    return aspect.property === null ? usages : withoutName(aspect.property, usages)
  }
}
