import type pg from 'pg'
import { readConfig } from './config.ts'
import { isMigrated } from './db/migrate.ts'
import { createPool } from './db/pool.ts'
import { createLog } from './log.ts'
import { joinDatabase } from './open-database.ts'
import { UsageError } from './usage-error.ts'

/** Runs a command on the configured database, also beside a node that runs on it. @throws UsageError */
export async function onDatabase(work: (pool: pg.Pool) => Promise<void>): Promise<void> {
  const log = createLog('warn')
  const database = await joinDatabase(readConfig(), log)
  const pool = createPool(database.url, (error) => log.warn({ err: error }, 'a connection broke'))
  try {
    if (!(await isMigrated(pool))) {
      throw new UsageError(
        'The database has not been prepared by this version. Start Tollgate once.',
      )
    }
    await work(pool)
  } finally {
    await pool.end()
    await database.close()
  }
}
