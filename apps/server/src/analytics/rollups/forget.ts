import type { Queryable } from '../../db/pool.ts'
import { RETENTION_LINES_PER_DELETE } from '../../limits.ts'
import { deletePastHours, readFoldedSeq } from './store.ts'

/** How far a tenant's log is folded into rollups, also into those that are made again; null: not at all. */
export function foldedThrough(db: Queryable, tenantNo: number): Promise<number | null> {
  return readFoldedSeq(db, tenantNo)
}

/** Deletes rollups of hours and days that began before; what is counted for life stays. */
export async function forgetRollups(
  db: Queryable,
  tenantNo: number,
  keptFrom: number,
): Promise<void> {
  while (await deletePastHours(db, tenantNo, keptFrom, RETENTION_LINES_PER_DELETE)) {}
}
