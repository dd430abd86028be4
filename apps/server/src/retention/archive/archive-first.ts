import type pg from 'pg'
import type { Logger } from 'pino'
import type { Clock } from '../../lib/clock.ts'
import { archiveMonth, firstOpenMonth, monthBounds, monthsBefore } from './archive-month.ts'

type Dependencies = { pool: pg.Pool; clock: Clock; log: Logger; archiveDir: string | null }

/**
 * Archives every month that is over, where lines must be in an archive before they go.
 * @returns up to when all lines are in it, ms; null: they need not be. Not done: stopped before the end
 */
export async function archiveFirst(
  { pool, clock, log, archiveDir: dir }: Dependencies,
  mayGoOn: () => boolean,
): Promise<{ done: boolean; archivedUntil: number | null }> {
  if (dir === null) return { done: true, archivedUntil: null }
  const open = firstOpenMonth(clock.now())
  for (const month of await monthsBefore(pool, open)) {
    try {
      const manifest = await archiveMonth(pool, { dir, month, tenantId: null }, { mayGoOn })
      if (manifest === null) return { done: false, archivedUntil: monthBounds(month).from }
    } catch (err) {
      // What is archived already can go; the rest waits.
      log.error({ dir, month, err }, 'the archive could not be written')
      return { done: true, archivedUntil: monthBounds(month).from }
    }
  }
  return { done: true, archivedUntil: monthBounds(open).from }
}
