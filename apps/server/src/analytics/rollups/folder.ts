import type pg from 'pg'
import { inTransaction } from '../../db/pool.ts'
import { monotonicMs } from '../../lib/clock.ts'
import {
  USAGE_FOLD_LINES_PER_STATEMENT,
  USAGE_PLACE_SECONDS,
  USAGE_PLACES_PER_READ,
} from '../../limits.ts'
import { hourZoneOf } from './hour-zone.ts'
import {
  deleteLive,
  deleteNext,
  deleteOrphans,
  foldDue,
  insertFirstPosition,
  insertNextPosition,
  lockPositions,
  makeLive,
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
  #afterTenantNo = 0
  #placedAt = -Infinity
  #running: Promise<void> | null = null
  #stopped = false

  /** @param linesMax per statement, other than usual, for tests */
  constructor(pool: pg.Pool, linesMax: number = USAGE_FOLD_LINES_PER_STATEMENT) {
    this.#pool = pool
    this.#linesMax = linesMax
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
    while (!this.#stopped) {
      const { lines, lastTenantNo } = await foldDue(
        this.#pool,
        this.#linesMax,
        this.#afterTenantNo,
        linesMin,
      )
      this.#afterTenantNo = lastTenantNo ?? 0
      if (lines < this.#linesMax) break
    }
    if (!this.#stopped) await switchGenerations(this.#pool)
  }
}

/** Gives new tenants a position, and those that moved to another time zone their next rollups. */
export async function placeTenants(pool: pg.Pool): Promise<void> {
  for (const { tenantNo, timeZone, isNew } of await readUnplaced(pool, USAGE_PLACES_PER_READ)) {
    const zones = { timeZone, hourZone: hourZoneOf(timeZone) }
    if (isNew) {
      await insertFirstPosition(pool, tenantNo, zones)
      continue
    }
    await inTransaction(pool, async (db) => {
      await lockPositions(db, tenantNo)
      await deleteNext(db, tenantNo)
      // What was begun there has the number that comes next.
      await deleteOrphans(db, tenantNo)
      await insertNextPosition(db, tenantNo, zones)
    })
  }
}

/** Where rollups that are made again are as far as those in use, they take their place. */
export async function switchGenerations(pool: pg.Pool): Promise<void> {
  for (const tenantNo of await readSuccessors(pool)) {
    await inTransaction(pool, async (db) => {
      const positions = await lockPositions(db, tenantNo)
      // Somebody else may have done it since.
      if (positions.length < 2) return
      await deleteLive(db, tenantNo)
      await makeLive(db, tenantNo)
    })
    await deleteOrphans(pool, tenantNo)
  }
}
