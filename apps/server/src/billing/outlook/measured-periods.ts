import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction } from '../../db/pool.ts'
import { currencyOf } from '../currency.ts'
import { readProfile } from '../profile/store.ts'
import { foldPage, foldUsage } from '../usage/fold.ts'
import type { TermsOf } from '../usage/measure.ts'
import { readUsage } from '../usage/store.ts'
import type { Usage } from '../usage/tally.ts'
import type { Span } from '../usage/timeline.ts'

/** A period, what was agreed in it, and what was measured so far. */
export type MeasuredPeriod = {
  readonly spans: readonly Span[]
  readonly usage: readonly Usage[]
}
export type MeasuredPeriods = {
  readonly currency: string
  readonly termsOf: TermsOf
  /** The last of them is the one that runs. */
  readonly periods: readonly MeasuredPeriod[]
}

/**
 * The running period of a tenant and at most `before` earlier ones, as they are folded: a row for each
 * meter, however many calls there were.
 * @param now the tenant's own
 */
export async function measuredPeriods(
  { pool, catalog }: { pool: pg.Pool; catalog: Catalog },
  tenantNo: number,
  now: number,
  before: number,
): Promise<MeasuredPeriods> {
  await foldUsage({ pool, catalog }, tenantNo, now)
  return inTransaction(pool, async (db) => {
    const { spans, termsOf } = await foldPage(db, catalog, tenantNo, now)
    const profile = await readProfile(db, tenantNo)
    const starts = [...new Set(spans.map(({ period }) => period.start))].slice(-(before + 1))
    const usage = await readUsage(db, tenantNo, starts)
    return {
      currency: currencyOf(profile, termsOf(spans[0]!.planVersionNo)),
      termsOf,
      periods: starts.map((start) => ({
        spans: spans.filter(({ period }) => period.start === start),
        usage: usage.filter(({ periodStart }) => periodStart === start),
      })),
    }
  })
}
