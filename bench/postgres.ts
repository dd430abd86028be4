import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../apps/server/src/db/embedded/index.ts'
import type { Options } from './options.ts'
import { pidOf } from './postmaster.ts'
import { progress } from './report.ts'
import type { Workspace } from './workspace.ts'

const QUIET = { info: () => {}, warn: logged, error: logged }

/** One PostgreSQL for the references and for Tollgate, each in a database of its own. */
export type BenchPostgres = {
  createDatabase(name: string): Promise<string>
  /** Takes away what the last measurement left to be written, so that the next does not pay for it. */
  settle(): Promise<void>
  /** Of the postmaster; null where it may be on another machine. */
  pid: number | null
  /** Version and the settings that decide what a commit costs. */
  description: string
}

export async function benchPostgres(
  workspace: Workspace,
  options: Options,
): Promise<BenchPostgres> {
  const url = options.databaseUrl ?? (await embedded(workspace))
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  workspace.onClose(() => admin.end())
  return {
    createDatabase: (name) => createDatabase(workspace, admin, url, name),
    settle: () => settle(admin),
    pid: options.databaseUrl === null ? await pidOf(admin) : null,
    description: await describe(admin, options.databaseUrl === null),
  }
}

async function embedded(workspace: Workspace): Promise<string> {
  const postgres = await startEmbeddedPostgres({
    dataDir: join(workspace.folder, 'postgres'),
    log: QUIET,
  })
  workspace.onClose(() => postgres.stop())
  return postgres.url
}

async function createDatabase(
  workspace: Workspace,
  admin: pg.Client,
  url: string,
  name: string,
): Promise<string> {
  const unique = `bench_${name}_${process.pid}`
  await admin.query(`CREATE DATABASE ${unique}`)
  workspace.onClose(async () => {
    await admin.query(`DROP DATABASE IF EXISTS ${unique} WITH (FORCE)`)
  })
  const database = new URL(url)
  database.pathname = `/${unique}`
  return database.href
}

async function settle(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ may: boolean }>(
    "SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE') AS may",
  )
  if (rows[0]?.may === true) await admin.query('CHECKPOINT')
}

async function describe(admin: pg.Client, isEmbedded: boolean): Promise<string> {
  const { rows } = await admin.query<{ version: string; fsync: string; commit: string }>(
    `SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,
            current_setting('synchronous_commit') AS commit`,
  )
  const { version, fsync, commit } = rows[0]!
  const which = isEmbedded ? 'embedded' : 'from BENCH_DATABASE_URL'
  return `PostgreSQL ${version} (${which}), fsync ${fsync}, synchronous_commit ${commit}`
}

function logged(_fields: object, message: string): void {
  progress(`PostgreSQL: ${message}`)
}
