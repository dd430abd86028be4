import pg from 'pg'
import {
  DATABASE_CONNECT_MS_MAX,
  DATABASE_CONNECTIONS_MAX,
  DATABASE_IDLE_MS_MAX,
  DATABASE_STATEMENT_MS_MAX,
} from '../limits.ts'
import { Client } from './client.ts'

// bigint columns hold micro-credits and sequence numbers: never through a float.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text))
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => Date.parse(text))

export type Queryable = Pick<pg.ClientBase, 'query'>

/** The pool for everything but the lanes, which own their connections. */
export function createPool(url: string, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(url),
    Client,
    max: DATABASE_CONNECTIONS_MAX,
    connectionTimeoutMillis: DATABASE_CONNECT_MS_MAX,
    // With a connection go the plans of its statements: ten milliseconds each for those over the log.
    idleTimeoutMillis: DATABASE_IDLE_MS_MAX,
  })
  // An idle connection that breaks is an event of the pool; without a listener it ends the process.
  pool.on('error', onError)
  return pool
}

export function connectionOptions(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'tollgate',
    statement_timeout: DATABASE_STATEMENT_MS_MAX,
    query_timeout: DATABASE_STATEMENT_MS_MAX + 1_000,
    keepAlive: true,
  }
}

type Work<T> = (client: pg.PoolClient) => Promise<T>

/** Runs `work` in one transaction: commits what it did, or nothing. */
export function inTransaction<T>(pool: pg.Pool, work: Work<T>): Promise<T> {
  return between('BEGIN', pool, work)
}

/** Runs `work`, which only reads, so that all of its answers are of one moment. */
export function inSnapshot<T>(pool: pg.Pool, work: Work<T>): Promise<T> {
  return between('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', pool, work)
}

async function between<T>(begin: string, pool: pg.Pool, work: Work<T>): Promise<T> {
  const client = await pool.connect()
  let broken = false
  // The pool listens to idle connections only, and one that breaks unheard ends the process.
  const onError = () => {
    broken = true
  }
  client.on('error', onError)
  try {
    await client.query(begin)
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(onError)
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

/** Runs `work` on a connection of its own, for what takes as long as it takes. */
export async function withoutTimeLimits<T>(
  pool: pg.Pool,
  work: (client: pg.ClientBase) => Promise<T>,
): Promise<T> {
  const client: pg.Client = new Client({ ...pool.options, query_timeout: 0, statement_timeout: 0 })
  // If it breaks, the statement under way says so.
  client.on('error', () => undefined)
  await client.connect()
  try {
    // The server may have a limit of its own.
    await client.query('SET statement_timeout = 0')
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The single row of a query that always has one. */
export function onlyRow<T>(result: { rows: T[] }): T {
  const row = result.rows[0]
  if (row === undefined) throw new Error('expected one row, got none')
  return row
}
