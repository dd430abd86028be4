import { chmod, mkdir, open, readFile, realpath, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import { isRoot } from './os-account.ts'

/** For others to pass through to what is theirs below, without seeing what else there is. */
const ENTERABLE = 0o711
const OWNER_ONLY = 0o700

/** Makes the data folder when it is missing, and gives its real path. */
export async function openDataFolder(dataDir: string): Promise<string> {
  try {
    const made = await mkdir(dataDir, { recursive: true, mode: isRoot() ? ENTERABLE : OWNER_ONLY })
    if (made !== undefined && isRoot()) await chmod(dataDir, ENTERABLE)
    return await realpath(dataDir)
  } catch (cause) {
    throw folderError(dataDir, cause)
  }
}

/** mkdir -p whose result does not depend on the umask. Folders that exist keep their permissions. */
export async function makeEnterable(folder: string): Promise<void> {
  if ((await stat(folder).catch(() => null)) !== null) return
  await makeEnterable(dirname(folder))
  await mkdir(folder).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
  await chmod(folder, ENTERABLE)
}

/** Text of a small file in the data folder; null when it does not exist. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw folderError(dirname(path), error)
  }
}

/** A file that only its owner reads and that is on the disk when this returns. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(dirname(path))
}

/** Makes names in a folder survive a loss of power: those of files just made or renamed. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}

export const filesOf = (dataDir: string) => ({
  cluster: join(dataDir, 'postgres'),
  password: join(dataDir, 'postgres.password'),
  log: join(dataDir, 'postgres.log'),
  location: join(dataDir, 'postgres-location.txt'),
})

export function folderError(folder: string, cause: unknown): EmbeddedPostgresError {
  const code = codeOf(cause) ?? String(cause)
  const why =
    code === 'EACCES' || code === 'EPERM'
      ? 'belongs to another user, or lies below a folder that does'
      : `cannot be used (${code})`
  return new EmbeddedPostgresError(
    `The data folder ${folder} ${why}. Start Tollgate as the user that made it, or set TOLLGATE_DATA_DIR to a folder of your own.`,
    { cause },
  )
}
