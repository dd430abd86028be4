import type { PlanTerms } from '../../catalog/types.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import type { Log } from '../../ledger/log.ts'
import { BILLING_LINES_PER_READ } from '../../limits.ts'
import { contributionsOf } from './meters.ts'
import { Tally, type Tallied } from './tally.ts'
import { billedAt, type Span, spanAt } from './timeline.ts'

export type TermsOf = (planVersionNo: number) => PlanTerms

/**
 * What was measured in one period, from the log alone and from its beginning: what the fold should have
 * made of the lines up to `throughSeq`.
 */
export async function measurePeriod(
  log: Log,
  spans: readonly Span[],
  termsOf: TermsOf,
  periodStart: number,
  throughSeq: number,
): Promise<Tallied[]> {
  const own = spans.filter(({ period }) => period.start === periodStart)
  const stretch = { start: periodStart, end: own.at(-1)!.to }
  const voids = await log.voids(throughSeq)
  const tally = new Tally()
  let afterSeq = 0
  for (;;) {
    const page = { afterSeq, throughSeq, limit: BILLING_LINES_PER_READ }
    const entries = await log.about(stretch, page)
    for (const entry of entries) {
      const span = spanAt(spans, entry)
      if (span.period.start !== periodStart) continue
      addTo(tally, span, entry, termsOf, voids.get(entry.seq) ?? null)
    }
    if (entries.length < BILLING_LINES_PER_READ) return tally.all
    afterSeq = entries.at(-1)!.seq
  }
}

/** @returns how many meters the line is measured by */
export function addTo(
  tally: Tally,
  span: Span,
  entry: StoredEntry,
  termsOf: TermsOf,
  voidSeq: number | null = null,
): number {
  const contributions = contributionsOf(entry, termsOf(span.planVersionNo))
  const line = { seq: entry.seq, at: billedAt(entry) }
  for (const contribution of contributions) tally.add(span, line, contribution, voidSeq)
  return contributions.length
}
