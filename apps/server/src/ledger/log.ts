import type { Queryable } from '../db/pool.ts'
import type { Cut } from './cuts/cut.ts'
import { readCut } from './cuts/store.ts'
import type { StoredEntry } from './entry-row.ts'
import {
  readChanges,
  readEntriesAbout,
  readEntriesBySeq,
  readEntriesForward,
  readKnownKeys,
  readLastSeq,
  readLastSeqs,
  readVoids,
} from './store.ts'

/** A tenant's log, for those who fold it. */
export type Log = {
  /** Where it begins, if old lines are deleted. Lines that stay are there from the first on. */
  cut(): Promise<Cut | null>
  /** How many lines it has. */
  length(): Promise<number>
  /** The first line and every change of what was agreed. */
  changes(): Promise<StoredEntry[]>
  /** In order, above `afterSeq`; all of them where that is not before the cut. */
  after(afterSeq: number, limit: number): Promise<StoredEntry[]>
  lines(seqs: number[]): Promise<StoredEntry[]>
  /** The line that an idempotency key (as it is stored) made; null: none yet. */
  under(key: string): Promise<StoredEntry | null>
  /** The number of the void by that of the line it voids, up to `throughSeq`. */
  voids(throughSeq: number): Promise<Map<number, number>>
  /** Lines that may be about a stretch of time, in order: recorded in it, or later about it. */
  about(
    stretch: { start: number; end: number },
    page: { afterSeq: number; throughSeq: number; limit: number },
  ): Promise<StoredEntry[]>
}

/** @param db in one snapshot, where several of its answers must fit each other */
export function logOf(db: Queryable, tenantNo: number): Log {
  return {
    cut: () => readCut(db, tenantNo),
    length: () => readLastSeq(db, tenantNo),
    changes: () => readChanges(db, tenantNo),
    after: (afterSeq, limit) => readEntriesForward(db, tenantNo, afterSeq, limit),
    lines: (seqs) => readEntriesBySeq(db, tenantNo, seqs),
    under: async (key) => (await readKnownKeys(db, [{ tenantNo, key }]))[0]?.entry ?? null,
    voids: (throughSeq) => readVoids(db, tenantNo, throughSeq),
    about: (stretch, page) => readEntriesAbout(db, tenantNo, stretch, page),
  }
}

/** How many lines each of some logs has, by tenant. */
export function logLengths(db: Queryable, tenantNos: number[]): Promise<Map<number, number>> {
  return readLastSeqs(db, tenantNos)
}
