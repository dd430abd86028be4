import type { Period } from '../../lib/periods.ts'
import { invalidField } from '../../lib/problem-error.ts'
import type { Span } from '../usage/timeline.ts'

/** Half-open, ms. */
export type Range = { readonly from: number; readonly to: number }

const DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * @param from a date, for its first moment in UTC, or an instant with a zone; both checked
 * @throws ProblemError invalid_request
 */
export function rangeOf(from: string, to: string): Range {
  const range = { from: instantOf(from), to: instantOf(to) }
  if (range.from < range.to) return range
  throw invalidField('to', 'must lie after from')
}

function instantOf(text: string): number {
  return Date.parse(DATE.test(text) ? `${text}T00:00:00Z` : text)
}

/** The tenant's periods that lie in the range with both ends. */
export function periodsIn(spans: readonly Span[], { from, to }: Range): Period[] {
  const periods = new Map(spans.map(({ period }) => [period.start, period]))
  return [...periods.values()].filter(({ start, end }) => start >= from && end <= to)
}
