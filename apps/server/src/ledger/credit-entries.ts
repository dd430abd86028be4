import type pg from 'pg'
import { decodeCursor, encodeCursor, page } from '../lib/cursor.ts'
import { CREDIT_LINES_SCANNED_MAX } from '../limits.ts'
import type { StoredEntry } from './entry-row.ts'
import { readCreditEntries, readCreditLines, readLastSeq } from './store.ts'

export type CreditEntriesPage = { rows: StoredEntry[]; nextCursor: string | null }

/** Lines that changed the balance, newest first: without calls, or all. */
export async function creditEntries(
  pool: pg.Pool,
  tenantNo: number,
  wanted: { cursor: string | undefined; limit: number; calls: boolean },
): Promise<CreditEntriesPage> {
  const { limit, calls } = wanted
  const before = decodeCursor(wanted.cursor)
  if (calls) return withCalls(pool, tenantNo, before, limit)
  const found = await readCreditEntries(pool, tenantNo, before, limit + 1)
  return page(found, limit, ({ seq }) => seq)
}

/** Looks at so many lines at most, so that many calls that cost nothing cannot make a page slow. */
async function withCalls(
  pool: pg.Pool,
  tenantNo: number,
  before: number | null,
  limit: number,
): Promise<CreditEntriesPage> {
  const lastSeq = await readLastSeq(pool, tenantNo)
  const belowSeq = Math.min(before ?? lastSeq + 1, lastSeq + 1)
  const fromSeq = Math.max(1, belowSeq - CREDIT_LINES_SCANNED_MAX)
  const found = await readCreditLines(pool, tenantNo, { fromSeq, belowSeq }, limit + 1)
  const { rows, nextCursor } = page(found, limit, ({ seq }) => seq)
  if (nextCursor !== null || fromSeq === 1) return { rows, nextCursor }
  return { rows, nextCursor: encodeCursor(fromSeq) }
}
