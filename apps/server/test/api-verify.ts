import pg from 'pg'
import { openCatalog } from '../src/catalog/catalog.ts'
import { createPool } from '../src/db/pool.ts'
import type { Difference } from '../src/ledger/verify.ts'
import { verifyLogs } from '../src/ledger/verify-logs.ts'

/** What `tollgate verify` would find wrong, over all logs of a database. */
export async function differencesIn(databaseUrl: string): Promise<Difference[]> {
  const pool = createPool(databaseUrl, () => undefined)
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    const catalog = await openCatalog(pool)
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const { differences } = await verifyLogs(client, catalog, { total() {}, verified() {} })
    return differences
  } finally {
    await client.end()
    await pool.end()
  }
}
