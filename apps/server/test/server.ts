import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { startEmbeddedPostgres } from '../src/db/embedded/index.ts'
import { migrate } from '../src/db/migrate.ts'

export type TestServer = {
  /** For making and dropping databases. */
  url: string
  /** A migrated database that `testDatabase` copies. */
  template: string
  countsFile: string
  stop(): Promise<void>
}

const FOLDER_PREFIX = 'tollgate-test-'
/** What a test stores is gone after it anyway. Tests of crashes start servers of their own, with fsync. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', shared_buffers: '128MB' }
const quiet = { info() {}, warn: console.error, error: console.error }

export async function startTestServer(): Promise<TestServer> {
  const parent = process.geteuid?.() === 0 ? '/tmp' : tmpdir()
  await removeAbandoned(parent)
  const folder = await mkdtemp(join(parent, FOLDER_PREFIX))
  // Root's PostgreSQL runs as another user, who has to pass through.
  await chmod(folder, 0o711)
  const given = process.env.TEST_DATABASE_URL
  let stop = () => rm(folder, { recursive: true, force: true })
  try {
    const server = given === undefined ? await start(folder) : { url: given, stop: async () => {} }
    const removeFolder = stop
    stop = () => server.stop().finally(removeFolder)
    const template = await makeTemplate(server.url)
    return {
      url: server.url,
      template: template.name,
      countsFile: join(folder, 'counts'),
      stop: () => template.drop().finally(stop),
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function start(dataDir: string): Promise<{ url: string; stop(): Promise<void> }> {
  return startEmbeddedPostgres({ dataDir, log: quiet, settings: SETTINGS })
}

async function makeTemplate(url: string): Promise<{ name: string; drop(): Promise<void> }> {
  const name = `tollgate_template_${randomBytes(6).toString('hex')}`
  const admin = new pg.Pool({ connectionString: url, max: 1 })
  // A connection that is being closed while the server stops is told so, and nobody waits for it.
  admin.on('error', () => undefined)
  const drop = async () => {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).finally(() => admin.end())
  }
  try {
    await admin.query(`CREATE DATABASE ${name}`)
    const templateUrl = new URL(url)
    templateUrl.pathname = `/${name}`
    const pool = new pg.Pool({ connectionString: templateUrl.href, max: 1 })
    await migrate(pool).finally(() => pool.end())
    return { name, drop }
  } catch (error) {
    await drop()
    throw error
  }
}

/** A run that was killed leaves its server running: it is taken over and stopped. Runs beside us are refused. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const folder = join(parent, name)
    // One without a password was made this moment, and its server is about to start.
    if (!name.startsWith(FOLDER_PREFIX) || !existsSync(join(folder, 'postgres.password'))) continue
    const server = await start(folder).catch(() => null)
    if (server === null) continue
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
