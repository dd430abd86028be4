import { readdir, readFile } from 'node:fs/promises'
import type pg from 'pg'
import { migrateJobs } from './jobs-pool.ts'
import { withoutTimeLimits } from './pool.ts'

const FOLDER = new URL('../../migrations/', import.meta.url)
/** Any number that nobody else uses: nodes that start together queue here. */
const MIGRATION_LOCK = 7_055_217_001

/** Brings the database to this program's schema. Forward only; nodes that start together wait for the first. */
export async function migrate(pool: pg.Pool): Promise<void> {
  await withoutTimeLimits(pool, async (client) => {
    // Held until the connection ends.
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(`CREATE TABLE IF NOT EXISTS migration (
      name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())`)
    for (const name of await pending(client)) await apply(client, name)
    await migrateJobs(pool.options)
  })
}

/** Names of the migrations that the database lacks, in order. Throws when it is newer than this program. */
async function pending(client: pg.ClientBase): Promise<string[]> {
  const files = await migrationFiles()
  const { rows } = await client.query<{ name: string }>('SELECT name FROM migration')
  const applied = new Set(rows.map((row) => row.name))
  const unknown = [...applied].filter((name) => !files.includes(name))
  if (unknown.length > 0) {
    throw new Error(
      `The database has migrations that this version of Tollgate does not know (${unknown.join(', ')}): it was used by a newer one. Start that one, or restore a backup.`,
    )
  }
  return files.filter((name) => !applied.has(name))
}

async function migrationFiles(): Promise<string[]> {
  return (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort()
}

async function apply(client: pg.ClientBase, name: string): Promise<void> {
  const text = await readFile(new URL(name, FOLDER), 'utf8')
  await client.query('BEGIN')
  try {
    await client.query(text)
    await client.query('INSERT INTO migration (name) VALUES ($1)', [name])
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw new Error(`Migration ${name} failed: ${(error as Error).message}`, { cause: error })
  }
}

/** True when the database has every migration of this program: part of `/ready`. */
export async function isMigrated(pool: pg.Pool): Promise<boolean> {
  const { rows: found } = await pool.query<{ found: boolean }>(
    `SELECT to_regclass('migration') IS NOT NULL
       AND to_regclass('graphile_worker.jobs') IS NOT NULL AS found`,
  )
  if (found[0]?.found !== true) return false
  const { rows } = await pool.query<{ name: string }>('SELECT name FROM migration')
  const applied = new Set(rows.map((row) => row.name))
  return (await migrationFiles()).every((name) => applied.has(name))
}
