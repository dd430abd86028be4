import type pg from 'pg'
import type { Logger } from 'pino'
import { inTransaction } from '../db/pool.ts'
import type { Clock } from '../lib/clock.ts'
import { PARTITION_LOCK_MS, PARTITION_MOVED_LINES_MAX } from '../limits.ts'
import { firstOpenMonth } from './archive/archive-month.ts'
import {
  detachPartition,
  dropTable,
  isNearlyEmpty,
  moveToDefault,
  readColumns,
  readPartitions,
} from './store.ts'

type Dependencies = { pool: pg.Pool; clock: Clock; log: Logger }

/**
 * Months of which nothing is left but lines that stay: those move to the default partition, and the room of
 * the rest is given back. What cannot be locked at once is left for another time.
 */
export async function retirePartitions({ pool, clock, log }: Dependencies): Promise<void> {
  const open = `entry_${firstOpenMonth(clock.now()).replace('-', '_')}`
  for (const partition of (await readPartitions(pool)).filter((name) => name < open)) {
    if (!(await isNearlyEmpty(pool, partition, PARTITION_MOVED_LINES_MAX))) continue
    try {
      await inTransaction(pool, (db) => retire(db, partition))
      log.info({ partition }, 'an old month of the log is dropped')
    } catch (err) {
      log.info({ partition, err }, 'an old month of the log is in use; it is dropped another time')
    }
  }
}

async function retire(db: pg.PoolClient, partition: string): Promise<void> {
  await db.query(`SET LOCAL lock_timeout = ${PARTITION_LOCK_MS}`)
  await detachPartition(db, partition)
  // A tenant on a clock of its own may have written to it just before.
  if (!(await isNearlyEmpty(db, partition, PARTITION_MOVED_LINES_MAX))) {
    throw new Error('there are new lines in it')
  }
  await moveToDefault(db, partition, await readColumns(db))
  await dropTable(db, partition)
}
