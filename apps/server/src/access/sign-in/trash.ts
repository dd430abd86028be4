import type pg from 'pg'
import { SIGN_IN_TRASH_HOURS, SIGN_IN_TRASH_ROWS_PER_DELETE } from '../../limits.ts'
import { deleteOldEmailTokens, deleteOldSessions } from './store.ts'

/** Deletes sessions, refresh tokens and tokens of e-mails that ended some time ago. Any node may. */
export async function emptySignInTrash(pool: pg.Pool, now: number): Promise<void> {
  const before = now - SIGN_IN_TRASH_HOURS * 3_600_000
  for (const deleteSome of [deleteOldSessions, deleteOldEmailTokens]) {
    let deleted: number
    do deleted = await deleteSome(pool, before, SIGN_IN_TRASH_ROWS_PER_DELETE)
    while (deleted === SIGN_IN_TRASH_ROWS_PER_DELETE)
  }
}
