import type { Queryable } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import { readLatePeriods } from '../invoices/store.ts'
import { lockPosition } from './store.ts'
import { firstPeriodOf, type Span, timelineOf } from './timeline.ts'

/** What of a tenant's log bills have done with. */
export type LinesNeeded = {
  /** Lines that were recorded from here on may be measured again: where a period begins, ms. */
  readonly neededFrom: number
  readonly foldedSeq: number
  readonly spans: readonly Span[]
}

/**
 * Whole periods are needed or none of it. A period is needed until its invoice is issued, and again while
 * something that came late is not settled. Holds the tenant's position until the transaction ends.
 * @param atLeastFrom what else is needed, ms
 */
export async function linesNeeded(
  db: Queryable,
  tenantNo: number,
  now: number,
  atLeastFrom: (spans: readonly Span[]) => Promise<number>,
): Promise<LinesNeeded> {
  const changes = await logOf(db, tenantNo).changes()
  const spans = timelineOf(changes, now)
  const { foldedSeq, openFrom } = await lockPosition(db, tenantNo, firstPeriodOf(changes))
  const late = await readLatePeriods(db, tenantNo)
  const needed = Math.min(await atLeastFrom(spans), openFrom, ...late)
  const starts = spans.map(({ period }) => period.start).filter((start) => start <= needed)
  return { neededFrom: Math.max(-Infinity, ...starts), foldedSeq, spans }
}
