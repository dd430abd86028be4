import type { Logger } from 'pino'
import { rebuildRollups } from './analytics/rollups/rebuild.ts'
import type { Config } from './config.ts'
import { isMigrated } from './db/migrate.ts'
import { createPool } from './db/pool.ts'
import { joinDatabase } from './open-database.ts'

/** @returns the exit code: 0 once every tenant has rollups that were made since */
export async function rebuildCommand(config: Config, log: Logger): Promise<number> {
  const database = await joinDatabase(config, log)
  const pool = createPool(database.url, (error) => log.warn({ err: error }, 'a connection broke'))
  try {
    if (!(await isMigrated(pool))) {
      process.stderr.write(
        'The database has not been prepared by this version. Start Tollgate once.\n',
      )
      return 1
    }
    await rebuildRollups(pool, (tenants) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${tenants} tenants to come   `)
    })
    process.stdout.write('The rollups of all tenants were made again.\n')
    return 0
  } finally {
    await pool.end()
    await database.close()
  }
}
