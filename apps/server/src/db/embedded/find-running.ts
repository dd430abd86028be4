import { realpath } from 'node:fs/promises'
import { databaseUrl, ensureDatabase } from './connect.ts'
import { filesOf, readIfThere } from './data-folder.ts'
import { readNote } from './placement.ts'
import { runningPostmaster } from './postmaster.ts'

/** URL of the server that another Tollgate runs for this folder, or null: for commands beside it. */
export async function findRunningEmbeddedPostgres(dataDir: string): Promise<string | null> {
  const folder = await realpath(dataDir).catch(() => null)
  if (folder === null) return null
  const clusterDir = (await readNote(folder)) ?? filesOf(folder).cluster
  const running = await runningPostmaster(clusterDir)
  if (running === null || running.status !== 'ready') return null
  const password = (await readIfThere(filesOf(folder).password))?.trim()
  if (password === undefined) return null
  return ensureDatabase(running.port, password).then(
    () => databaseUrl(running.port, password),
    () => null,
  )
}
