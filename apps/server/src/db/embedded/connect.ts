import pg from 'pg'
import { POSTGRES_CONNECT_MS_MAX } from '../../limits.ts'
import { SUPERUSER } from './cluster.ts'
import { codeOf } from './error.ts'

export const DATABASE = 'tollgate'
const MISSING_DATABASE = '3D000'

export function databaseUrl(port: number, password: string, database = DATABASE): string {
  const user = `${SUPERUSER}:${encodeURIComponent(password)}`
  // Explicit, since a PGSSLMODE that is meant for another server would refuse this one.
  return `postgres://${user}@127.0.0.1:${port}/${database}?sslmode=disable`
}

/** Throws unless the server at `port` takes the password. Makes the database when the cluster is new. */
export async function ensureDatabase(port: number, password: string): Promise<void> {
  try {
    await withClient(databaseUrl(port, password), async () => {})
  } catch (error) {
    if (codeOf(error) !== MISSING_DATABASE) throw error
    await withClient(databaseUrl(port, password, 'postgres'), makeDatabase)
  }
}

async function makeDatabase(client: pg.Client): Promise<void> {
  await client.query(`CREATE DATABASE ${DATABASE}`)
  const { rows } = await client.query<{ known: boolean }>(
    `SELECT 'lz4' = ANY(enumvals) AS known FROM pg_settings WHERE name = 'wal_compression'`,
  )
  // Set here and not for the server: one that was built without lz4 would not start with it.
  if (rows[0]?.known) await client.query(`ALTER DATABASE ${DATABASE} SET wal_compression = 'lz4'`)
}

async function withClient(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: POSTGRES_CONNECT_MS_MAX,
    application_name: 'tollgate supervisor',
  })
  // A server that dies meanwhile fails the query; without a listener it would end this process too.
  client.on('error', () => {})
  try {
    await client.connect()
    await work(client)
  } finally {
    await client.end().catch(() => {})
  }
}
