import type pg from 'pg'
import { countedProperties } from '../../catalog/counted-properties.ts'
import { inTransaction } from '../../db/pool.ts'
import { monotonicMs } from '../../lib/clock.ts'
import {
  USAGE_FOLD_LINES_PER_STATEMENT,
  USAGE_FOLD_LINES_PER_STATEMENT_MAX,
  USAGE_FOLD_LINES_PER_STATEMENT_MIN,
  USAGE_FOLD_SHARES,
  USAGE_FOLD_STATEMENT_MS,
  USAGE_PLACE_SECONDS,
  USAGE_PLACES_PER_READ,
} from '../../limits.ts'
import { hourZoneOf } from './hour-zone.ts'
import {
  deleteLive,
  deleteNext,
  deleteNextCounters,
  deleteOrphans,
  foldDue,
  handCountersOn,
  insertFirstPosition,
  insertNextPosition,
  lockPositions,
  makeLive,
  readCounted,
  readDueShares,
  readSuccessors,
  readUnplaced,
} from './store.ts'

/**
 * Brings the rollups up to the logs, beside the other nodes. Whatever is interrupted is as if it had not
 * begun, and readers add what is not folded yet, so nothing depends on when it runs.
 */
export class UsageFolder {
  readonly #pool: pg.Pool
  readonly #linesMax: number
  readonly #shares: Share[]
  #placedAt = -Infinity
  #running: Promise<void> | null = null
  #stopped = false

  /** @param linesMax per statement, other than usual, for tests */
  constructor(pool: pg.Pool, linesMax: number = USAGE_FOLD_LINES_PER_STATEMENT_MAX) {
    this.#pool = pool
    this.#linesMax = linesMax
    this.#shares = Array.from({ length: USAGE_FOLD_SHARES }, (_, share) => {
      return { share, afterTenantNo: 0, lines: Math.min(linesMax, USAGE_FOLD_LINES_PER_STATEMENT) }
    })
  }

  /**
   * Folds until nothing is due, or somebody else folds. Who calls while it runs waits for that run.
   * @param linesMin of a tenant, for it to be due: a row of a rollup costs the same for one line as for
   *   a thousand
   */
  run(linesMin = 1): Promise<void> {
    this.#running ??= this.#run(linesMin).finally(() => {
      this.#running = null
    })
    return this.#running
  }

  /** Ends after the statement under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running?.catch(() => undefined)
  }

  async #run(linesMin: number): Promise<void> {
    if (monotonicMs() - this.#placedAt > USAGE_PLACE_SECONDS * 1_000) {
      await placeTenants(this.#pool)
      this.#placedAt = monotonicMs()
    }
    const due = await readDueShares(this.#pool, linesMin, this.#shares.length)
    const done = await Promise.allSettled(
      due.map((share) => this.#foldShare(this.#shares[share]!, linesMin)),
    )
    for (const one of done) if (one.status === 'rejected') throw one.reason
    if (!this.#stopped) await switchGenerations(this.#pool)
  }

  async #foldShare(share: Share, linesMin: number): Promise<void> {
    while (!this.#stopped) {
      const linesMax = share.lines
      // Where it fails, as one that took too long and was cut off: it must not be tried as it was, for ever.
      share.lines = linesAfter(linesMax, Infinity, this.#linesMax)
      const began = monotonicMs()
      const order = { linesMax, linesMin, share: share.share, shares: this.#shares.length }
      const fold = await foldDue(this.#pool, {
        ...order,
        afterTenantNo: share.afterTenantNo,
      }).catch((error: unknown) => {
        if (isCutOff(error) && share.lines < linesMax) return null
        throw error
      })
      if (fold === null) continue
      const { lines, lastTenantNo } = fold
      share.lines = linesAfter(linesMax, monotonicMs() - began, this.#linesMax)
      share.afterTenantNo = lastTenantNo ?? 0
      if (lines < linesMax) return
    }
  }
}

/** Whether it took longer than a statement may. */
function isCutOff(error: unknown): boolean {
  return (error as { code?: unknown }).code === '57014'
}

/** Where one share of the tenants is, and how many lines its next statement folds. */
type Share = { share: number; afterTenantNo: number; lines: number }

/**
 * How many lines the next statement folds, so that it takes about a second whatever they cost: lines that
 * are each of an hour and a tenant of their own cost ten times as much as those that are together.
 */
export function linesAfter(lines: number, tookMs: number, linesMax: number): number {
  const factor = Math.min(2, Math.max(0.25, USAGE_FOLD_STATEMENT_MS / Math.max(1, tookMs)))
  const least = Math.min(linesMax, USAGE_FOLD_LINES_PER_STATEMENT_MIN)
  return Math.max(least, Math.min(linesMax, Math.round(lines * factor)))
}

/**
 * Gives new tenants a position, and their next rollups to those that moved to another time zone, or are
 * to be counted by other properties.
 */
export async function placeTenants(pool: pg.Pool): Promise<void> {
  const properties = await countedProperties(pool)
  const unplaced = await readUnplaced(pool, USAGE_PLACES_PER_READ, properties)
  for (const { tenantNo, timeZone, isNew } of unplaced) {
    const placement = { timeZone, hourZone: hourZoneOf(timeZone), properties }
    if (isNew) {
      await insertFirstPosition(pool, tenantNo, placement)
      continue
    }
    await inTransaction(pool, async (db) => {
      await lockPositions(db, tenantNo)
      await deleteNext(db, tenantNo)
      // What was begun there has the number that comes next.
      await deleteOrphans(db, tenantNo)
      await insertNextPosition(db, tenantNo, placement)
    })
  }
}

/**
 * Where rollups that are made again are as far as those in use, they take their place. What is counted
 * for life goes over to them, and is taken from the log only where it had lost something: a log of which
 * old lines were deleted makes less, and such a counter must not go down.
 */
async function switchGenerations(pool: pg.Pool): Promise<void> {
  for (const tenantNo of await readSuccessors(pool)) {
    await inTransaction(pool, async (db) => {
      const positions = await lockPositions(db, tenantNo)
      // Somebody else may have done it since, or folded one of them.
      const [one, other] = positions
      if (other === undefined || one!.foldedSeq !== other.foldedSeq) return
      const counted = await readCounted(db, tenantNo)
      if (counted.next <= counted.live) {
        await deleteNextCounters(db, tenantNo)
        await handCountersOn(db, tenantNo)
      }
      await deleteLive(db, tenantNo)
      await makeLive(db, tenantNo)
    })
    await deleteOrphans(pool, tenantNo)
  }
}
