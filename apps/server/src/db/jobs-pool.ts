import { runMigrations } from 'graphile-worker'
import pg from 'pg'
import { Client } from './client.ts'

export const JOBS_SCHEMA = 'graphile_worker'

/** Makes or updates the tables of graphile-worker; quick when there is nothing to do. One node at a time. */
export async function migrateJobs(options: pg.PoolConfig): Promise<void> {
  const pool = createJobsPool({ ...options, max: 1, statement_timeout: 0, query_timeout: 0 })
  try {
    await runMigrations({ pgPool: pool, schema: JOBS_SCHEMA })
  } finally {
    await pool.end()
  }
}

/**
 * Connections for graphile-worker alone: it puts the numbers of jobs into JSON, which cannot hold the
 * bigint that our other connections make of them.
 */
export function createJobsPool(options: pg.PoolConfig): pg.Pool {
  const pool = new JobsPool({ ...options, Client, types: { getTypeParser } })
  // Without a listener, a connection that breaks ends the process. The statement under way says so too.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

type Connected = Parameters<Parameters<pg.Pool['connect']>[0]>

/**
 * When the connection breaks on which graphile-worker 0.17 listens, it can give that one back twice. The
 * second time throws, where nobody catches it, and would end the process.
 */
class JobsPool extends pg.Pool {
  override connect(): Promise<pg.PoolClient>
  override connect(callback: (...args: Connected) => void): void
  override connect(callback?: (...args: Connected) => void): Promise<pg.PoolClient> | undefined {
    if (callback === undefined) return super.connect()
    super.connect((error, client, done) => {
      let given = false
      callback(error, client, (broken) => {
        if (!given) done(broken)
        given = true
      })
    })
  }
}

const LEFT_AS_TEXT = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.TIMESTAMPTZ])

const getTypeParser: typeof pg.types.getTypeParser = (oid: number, format?: string) => {
  if (LEFT_AS_TEXT.has(oid)) return (text: string) => text
  return pg.types.getTypeParser(oid, format as 'text')
}
