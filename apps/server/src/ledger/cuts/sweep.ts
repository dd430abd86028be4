import type { Queryable } from '../../db/pool.ts'
import { RETENTION_LINES_PER_DELETE } from '../../limits.ts'
import { deletePage, markSwept, readUnswept, readVoidedLater } from './store.ts'

export type Sweeping = {
  /** How long ago a cut must have been made, ms. */
  settledMs: number
  /** Cuts up to this line, which nobody folds from any more. */
  throughSeq?: number
  /** Asked before each page. */
  mayGoOn?: () => boolean
  /** What else goes with the lines, before the cut counts as done. */
  alsoForget?: (keptFrom: number) => Promise<void>
}

/**
 * Deletes what is cut off, a page after the other, each by itself: to be stopped anywhere and begun again,
 * also by two at once. Only cuts of some time ago: who read a line before it was cut off, to void it, has
 * long ended then.
 * @returns how many lines were deleted, and whether that is all
 */
export async function sweepCuts(
  db: Queryable,
  tenantNo: number,
  { settledMs, throughSeq = Infinity, mayGoOn = () => true, alsoForget }: Sweeping,
): Promise<{ deleted: number; done: boolean }> {
  let deleted = 0
  for (const cut of await readUnswept(db, tenantNo, settledMs)) {
    if (cut.seq > throughSeq) break
    const kept = await readVoidedLater(db, tenantNo, cut.seq)
    const limit = RETENTION_LINES_PER_DELETE
    let { afterSeq } = cut
    for (;;) {
      if (!mayGoOn()) return { deleted, done: false }
      const page = await deletePage(db, tenantNo, { ...cut, afterSeq, kept, limit })
      deleted += page.deleted
      if (page.throughSeq === null) break
      afterSeq = page.throughSeq
    }
    await alsoForget?.(cut.keptFrom)
    await markSwept(db, tenantNo, cut.seq)
  }
  return { deleted, done: true }
}
