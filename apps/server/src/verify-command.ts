import { Presets, SingleBar } from 'cli-progress'
import type pg from 'pg'
import type { Logger } from 'pino'
import { openCatalog } from './catalog/catalog.ts'
import type { Config } from './config.ts'
import { isMigrated } from './db/migrate.ts'
import { createPool, withoutTimeLimits } from './db/pool.ts'
import { type VerifiedLogs, verifyLogs } from './ledger/verify-logs.ts'
import { joinDatabase } from './open-database.ts'

/** @returns the exit code: 0 if every log makes exactly what is stored, 1 if anything differs */
export async function verifyCommand(config: Config, log: Logger): Promise<number> {
  const database = await joinDatabase(config, log)
  const pool = createPool(database.url, (error) => log.warn({ err: error }, 'a connection broke'))
  try {
    if (!(await isMigrated(pool))) {
      process.stderr.write(
        'The database has not been prepared by this version. Start Tollgate once.\n',
      )
      return 1
    }
    const { logs, lines, differences } = await verifyAll(pool)
    for (const { tenantNo, seq, what } of differences) {
      const place = seq === null ? '' : `, line ${seq}`
      process.stdout.write(`tenant number ${tenantNo}${place}: ${what}\n`)
    }
    process.stdout.write(
      `${lines} lines of ${logs} logs verified, ${differences.length} differences\n`,
    )
    return differences.length === 0 ? 0 : 1
  } finally {
    await pool.end()
    await database.close()
  }
}

/** In one snapshot, so that a node that goes on writing is not mistaken for a difference. */
async function verifyAll(pool: pg.Pool): Promise<VerifiedLogs> {
  const catalog = await openCatalog(pool)
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | {value} of {total} lines' },
    Presets.legacy,
  )
  try {
    return await withoutTimeLimits(pool, async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return verifyLogs(client, catalog, {
        total: (lines) => {
          if (process.stderr.isTTY) bar.start(lines, 0)
        },
        verified: (lines) => bar.increment(lines),
      })
    })
  } finally {
    bar.stop()
  }
}
