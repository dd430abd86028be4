import pg from 'pg'
import {
  DATABASE_CONNECT_MS_MAX,
  DATABASE_CONNECTIONS_MAX,
  DATABASE_STATEMENT_MS_MAX,
} from '../limits.ts'

// bigint columns hold micro-credits and sequence numbers: never through a float.
pg.types.setTypeParser(pg.types.builtins.INT8, (text) => BigInt(text))
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => Date.parse(text))

export type Queryable = Pick<pg.ClientBase, 'query'>

/** The pool for everything but the lanes, which own their connections. */
export function createPool(url: string, onError: (error: Error) => void): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions(url),
    max: DATABASE_CONNECTIONS_MAX,
    connectionTimeoutMillis: DATABASE_CONNECT_MS_MAX,
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

/** Runs `work` in one transaction: commits what it did, or nothing. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  let broken = false
  try {
    await client.query('BEGIN')
    const result = await work(client)
    await client.query('COMMIT')
    return result
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {
      broken = true
    })
    throw error
  } finally {
    client.release(broken)
  }
}

/** The single row of a query that always has one. */
export function onlyRow<T>(result: { rows: T[] }): T {
  const row = result.rows[0]
  if (row === undefined) throw new Error('expected one row, got none')
  return row
}
