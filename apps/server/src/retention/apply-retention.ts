import type pg from 'pg'
import { readableFrom } from '../analytics/gate.ts'
import { foldedThrough, forgetRollups } from '../analytics/rollups/forget.ts'
import { linesNeeded } from '../billing/usage/lines-needed.ts'
import type { Span } from '../billing/usage/timeline.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { Cut } from '../ledger/cuts/cut.ts'
import { makeCut } from '../ledger/cuts/make-cut.ts'
import { sweepCuts } from '../ledger/cuts/sweep.ts'
import { type AccountNow, accountAt } from '../ledger/readings.ts'
import { type AuditEntry, SYSTEM } from '../lib/audit-entry.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import {
  RETENTION_LINES_PER_CUT,
  RETENTION_PLAN_DAYS,
  RETENTION_SETTLE_MINUTES,
} from '../limits.ts'

export type RetentionDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  /** In the transaction that cuts, as the last thing: heads of the audit log vouch for the cut. */
  appendAudit: (db: Queryable, actor: Actor, entry: AuditEntry) => Promise<void>
  /** Up to when lines are in an archive, without which they stay, ms. Null: they need not be in any. */
  archivedUntil?: number | null
  /** Other than usual, for tests. */
  settledMs?: number
  linesPerCut?: number
}

const DAY_MS = 86_400_000

/**
 * Deletes what of a tenant is past retention and needed by nobody: lines that were cut off before, with
 * the rollups of those hours, and then cuts off what is past by now. To be stopped anywhere and begun
 * again, also by two at once.
 * @param mayGoOn asked between steps
 * @returns false: it was stopped
 */
export async function applyRetention(
  deps: RetentionDependencies,
  tenantNo: number,
  mayGoOn: () => boolean = () => true,
): Promise<boolean> {
  const { pool, settledMs = RETENTION_SETTLE_MINUTES * 60_000 } = deps
  const foldedSeq = await foldedThrough(pool, tenantNo)
  // Nobody has counted its lines yet.
  if (foldedSeq === null) return true
  const alsoForget = (keptFrom: number) => forgetRollups(pool, tenantNo, keptFrom)
  const sweeping = { settledMs, throughSeq: foldedSeq, mayGoOn, alsoForget }
  if (!(await sweepCuts(pool, tenantNo, sweeping)).done) return false
  for (;;) {
    if (!mayGoOn()) return false
    if ((await inTransaction(pool, (db) => cutNext(db, deps, tenantNo))) === null) return true
  }
}

async function cutNext(
  db: pg.PoolClient,
  deps: RetentionDependencies,
  tenantNo: number,
): Promise<Cut | null> {
  const { catalog, clock, archivedUntil = null } = deps
  const linesMax = deps.linesPerCut ?? RETENTION_LINES_PER_CUT
  const accountNow = await accountAt(db, catalog, tenantNo, clock.now())
  const { account, now } = accountNow
  // On a clock of its own a line may come in a month that is archived already.
  if (archivedUntil !== null && account.testClock !== null) return null
  const { neededFrom, foldedSeq } = await linesNeeded(db, tenantNo, now, async (spans) =>
    Math.min(archivedUntil ?? Infinity, await keptByPlans(catalog, accountNow, spans)),
  )
  if (neededFrom === -Infinity) return null
  const folded = Math.min(foldedSeq, (await foldedThrough(db, tenantNo)) ?? 0)
  const openHold = Math.min(Infinity, ...account.holds.map(({ seq }) => seq))
  const bounds = { keptFrom: neededFrom, throughSeq: Math.min(folded, openHold - 1), linesMax }
  const cut = await makeCut(db, catalog, tenantNo, bounds)
  if (cut !== null) await deps.appendAudit(db, SYSTEM, auditOf(cut, clock.now()))
  return cut
}

/** As long as any plan keeps it that the tenant has, or had a few days ago. @returns ms */
async function keptByPlans(
  catalog: Catalog,
  { account, now }: AccountNow,
  spans: readonly Span[],
): Promise<number> {
  const since = now - RETENTION_PLAN_DAYS * DAY_MS
  const recent = spans.filter(({ from, to }) => from <= now && to > since)
  const versions = new Set([
    account.planVersionNo,
    ...recent.map(({ planVersionNo }) => planVersionNo),
  ])
  const terms = await Promise.all([...versions].map((no) => catalog.loadPlanVersion(no)))
  return Math.min(...terms.map(({ features }) => readableFrom(account, now, features)))
}

function auditOf({ tenantNo, account, keptFrom, hash }: Cut, recordedAt: number): AuditEntry {
  const after = { through_seq: account.lastSeq, kept_from: new Date(keptFrom).toISOString(), hash }
  return { tenantNo, action: 'log.cut', object: { kind: 'log', id: null }, after, recordedAt }
}
