import { setTimeout as sleep } from 'node:timers/promises'
import type { Queryable } from '../apps/server/src/db/pool.ts'
import { USAGE_FOLD_LINES_MIN } from '../apps/server/src/limits.ts'

const POLL_MS = 200

/** What goes on beside whatever is measured, until it has caught up with the logs. */
export type Position = 'usage_position' | 'billing_position'

/** Waits until a node has folded all logs, but for short tails, which are left for a while. */
export async function untilFolded(db: Queryable, position: Position): Promise<void> {
  for (;;) {
    const { rows } = await db.query<{ due: bigint }>(
      `SELECT count(*) AS due FROM account LEFT JOIN ${position} AS p USING (tenant_no)
       WHERE last_seq - coalesce(p.folded_seq, 0) >= $1`,
      [USAGE_FOLD_LINES_MIN],
    )
    if (Number(rows[0]!.due) === 0) return
    await sleep(POLL_MS)
  }
}
