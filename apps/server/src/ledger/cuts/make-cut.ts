import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { VERIFY_LINES_PER_READ } from '../../limits.ts'
import type { Entry } from '../types.ts'
import { type Difference, LogFold } from '../verify.ts'
import { hashOfCut } from './chain.ts'
import type { Cut } from './cut.ts'
import { readEntriesForward } from '../store.ts'
import { insertCut, readCut } from './store.ts'

export type CutBounds = {
  /** Lines that were recorded from here on stay; ms. */
  keptFrom: number
  /** The last line that nobody needs. */
  throughSeq: number
  /** How many lines further than the cut before. */
  linesMax: number
}

/** A log that is not what the rule makes of it is evidence: nothing of it is cut off. */
export class LogDiffers extends Error {
  constructor(tenantNo: number, { seq, what }: Difference) {
    const place = seq === null ? '' : `, line ${seq}`
    super(`The log of tenant number ${tenantNo} does not verify${place}: ${what}`)
  }
}

/**
 * Verifies the lines behind the last cut and cuts there, in the transaction of `db`. Nothing is deleted
 * yet. Ends only where what time did is wholly decided, since that is a line by itself.
 * @returns null if there is nothing to cut off
 * @throws LogDiffers
 */
export async function makeCut(
  db: pg.ClientBase,
  catalog: Catalog,
  tenantNo: number,
  bounds: CutBounds,
): Promise<Cut | null> {
  const before = await readCut(db, tenantNo)
  // Most of those who are looked at have nothing to cut off, which their first line shows.
  const [first] = await readEntriesForward(db, tenantNo, before?.account.lastSeq ?? 0, 1)
  if (first === undefined || isNeeded(first, bounds)) return null
  const fold = new LogFold(db, catalog, tenantNo, before)
  const point = await foldTo(fold, bounds)
  const [difference] = fold.result().differences
  if (difference !== undefined) throw new LogDiffers(tenantNo, difference)
  if (point === null) return null
  const cut = { tenantNo, keptFrom: Math.max(bounds.keptFrom, before?.keptFrom ?? 0), ...point }
  const made = { ...cut, hash: await hashOfCut(db, cut, before) }
  await insertCut(db, made)
  return made
}

async function foldTo(
  fold: LogFold,
  bounds: CutBounds,
): Promise<Pick<Cut, 'account' | 'keyed'> | null> {
  let point = null
  for (;;) {
    const entries = await fold.read()
    for (const entry of entries) {
      if (isNeeded(entry, bounds) || fold.result().lines >= bounds.linesMax) return point
      if (!(await fold.add(entry))) return null
      point = fold.point() ?? point
    }
    if (entries.length < VERIFY_LINES_PER_READ) return point
  }
}

function isNeeded({ recordedAt, seq }: Entry, { keptFrom, throughSeq }: CutBounds): boolean {
  return recordedAt >= keptFrom || seq > throughSeq
}
