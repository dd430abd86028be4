import pg from 'pg'
import { findRunningEmbeddedPostgres } from '../apps/server/src/db/embedded/index.ts'

const GONE_POLL_MS = 20
const GONE_MS_MAX = 20_000

/** The process id of the embedded PostgreSQL of a data folder; null when none is running. */
export async function postmasterPid(dataDir: string): Promise<number | null> {
  const url = await findRunningEmbeddedPostgres(dataDir)
  if (url === null) return null
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await pidOf(client)
  } finally {
    await client.end()
  }
}

/** The server's own word, so that nothing here has to know where the cluster is. */
export async function pidOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query<{ pid: string }>(
    "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid",
  )
  return Number(rows[0]!.pid)
}

/** Stops what a killed Tollgate left running. */
export async function stopLeftPostgres(dataDir: string): Promise<void> {
  const pid = await postmasterPid(dataDir)
  if (pid === null) return
  process.kill(pid, 'SIGINT')
  const giveUpAt = Date.now() + GONE_MS_MAX
  while (isAlive(pid) && Date.now() < giveUpAt) {
    await new Promise((resolve) => {
      setTimeout(resolve, GONE_POLL_MS)
    })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
