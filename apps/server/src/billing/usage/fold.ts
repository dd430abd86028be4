import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { type Log, logOf } from '../../ledger/log.ts'
import { BILLING_LINES_PER_READ } from '../../limits.ts'
import { addTo, measurePeriod, type TermsOf } from './measure.ts'
import { contributionsOf } from './meters.ts'
import {
  insertLate,
  insertValues,
  type LateEntry,
  lockPosition,
  type Position,
  readUsage,
  removePeriod,
  writeFolded,
  writeUsage,
} from './store.ts'
import { isAdditive, merged, Tally, type Tallied } from './tally.ts'
import { firstPeriodOf, type Span, spanAt, timelineOf } from './timeline.ts'

/** What is known of a tenant's bills once its log is folded to its end. */
export type Folded = {
  readonly position: Position
  readonly spans: readonly Span[]
  readonly termsOf: TermsOf
}

/**
 * Brings what was measured up to the end of the log, a page of it at a time, each in a transaction of
 * its own: whoever is interrupted has lost nothing, and two at once take turns.
 */
export async function foldUsage(
  { pool, catalog }: { pool: pg.Pool; catalog: Catalog },
  tenantNo: number,
  now: number,
  linesMax = BILLING_LINES_PER_READ,
): Promise<void> {
  for (;;) {
    const more = await inTransaction(pool, async (db) => {
      const folded = await foldPage(db, catalog, tenantNo, now, linesMax)
      return folded.more
    })
    if (!more) return
  }
}

/**
 * Folds at most a page, and holds the tenant's position until the transaction of `db` ends: nobody else
 * folds or issues for it meanwhile.
 */
export async function foldPage(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  now: number,
  linesMax = BILLING_LINES_PER_READ,
): Promise<Folded & { more: boolean }> {
  const log = logOf(db, tenantNo)
  const position = await lockPosition(db, tenantNo, firstPeriodOf(await log.changes()))
  // Read again under the position: who held it before may have folded a change that is not in the page.
  const changes = await log.changes()
  const spans = timelineOf(changes, now)
  const entries = await log.after(position.foldedSeq, linesMax)
  const last = entries.at(-1)
  // Lines may have come since, so what was agreed is read again if they say so.
  const fresh = entries.some(({ kind, seq }) => kind === 'change' && !has(changes, seq))
  const until = Math.max(now, last?.recordedAt ?? now)
  const all = fresh || until > now ? timelineOf(await log.changes(), until) : spans
  const termsOf = await loadTerms(catalog, all)
  if (last !== undefined) {
    await addPage(db, log, { position, spans: all, termsOf }, entries)
    await writeFolded(db, tenantNo, last.seq)
  }
  const foldedSeq = last?.seq ?? position.foldedSeq
  const more = entries.length === linesMax
  return { position: { ...position, foldedSeq }, spans: all, termsOf, more }
}

export async function loadTerms(
  catalog: Catalog,
  spans: readonly Pick<Span, 'planVersionNo'>[],
): Promise<TermsOf> {
  const loaded = new Map<number, PlanTerms>()
  for (const { planVersionNo } of spans) {
    if (!loaded.has(planVersionNo)) {
      loaded.set(planVersionNo, await catalog.loadPlanVersion(planVersionNo))
    }
  }
  return (planVersionNo) => loaded.get(planVersionNo)!
}

async function addPage(
  db: Queryable,
  log: Log,
  { position, spans, termsOf }: Folded,
  entries: readonly StoredEntry[],
): Promise<void> {
  const tally = new Tally()
  const late: LateEntry[] = []
  const again = new Set<number>()
  const voided = await voidedLines(log, entries)
  for (const entry of entries) {
    const target = entry.kind === 'void' ? voided.get(Number(entry.detail?.voided_seq)) : null
    const span = spanAt(spans, target ?? entry)
    const measured = target
      ? takeBack(tally, span, entry.seq, target, termsOf, again)
      : addTo(tally, span, entry, termsOf)
    if (measured > 0 && span.period.start < position.openFrom) {
      late.push({ seq: entry.seq, periodStart: span.period.start })
    }
  }
  await mergeInto(db, position.tenantNo, tally.all)
  const throughSeq = entries.at(-1)!.seq
  const keptFrom = (await log.cut())?.keptFrom ?? -Infinity
  for (const periodStart of again) {
    // Without its old lines it cannot be measured again: the largest and the different ones stay.
    if (periodStart < keptFrom) continue
    const rows = await measurePeriod(log, spans, termsOf, periodStart, throughSeq)
    await removePeriod(db, position.tenantNo, periodStart)
    await mergeInto(db, position.tenantNo, rows)
  }
  await insertLate(db, position.tenantNo, late)
}

async function voidedLines(log: Log, entries: readonly StoredEntry[]) {
  const seqs = entries
    .filter(({ kind }) => kind === 'void')
    .map(({ detail }) => Number(detail?.voided_seq))
  const lines = seqs.length === 0 ? [] : await log.lines(seqs)
  return new Map(lines.map((line) => [line.seq, line]))
}

/** What is not added up (the largest, the last, the different ones) is measured again without the line. */
function takeBack(
  tally: Tally,
  span: Span,
  voidSeq: number,
  target: StoredEntry,
  termsOf: TermsOf,
  again: Set<number>,
): number {
  const contributions = contributionsOf(target, termsOf(span.planVersionNo))
  for (const contribution of contributions) {
    tally.subtract(span, voidSeq, contribution)
    if (!isAdditive(contribution.aggregation)) again.add(span.period.start)
  }
  return contributions.length
}

async function mergeInto(db: Queryable, tenantNo: number, rows: readonly Tallied[]): Promise<void> {
  if (rows.length === 0) return
  const periods = [...new Set(rows.map(({ usage }) => usage.periodStart))]
  const stored = new Map(
    (await readUsage(db, tenantNo, periods)).map((usage) => [keyOf(usage), usage]),
  )
  const changed = []
  for (const row of rows) {
    const newValues =
      row.values.size === 0 ? 0 : await insertValues(db, tenantNo, row.usage, [...row.values])
    const before = stored.get(keyOf(row.usage))
    changed.push(before === undefined ? row.usage : merged(before, row, newValues))
  }
  await writeUsage(db, tenantNo, changed)
}

function keyOf({ periodStart, planVersionNo, trial, meter, region, feature }: Tallied['usage']) {
  return JSON.stringify([periodStart, planVersionNo, trial, meter, region, feature])
}

function has(changes: readonly StoredEntry[], seq: number): boolean {
  return changes.some((change) => change.seq === seq)
}
