import { randomBytes } from 'node:crypto'
import { chown, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Binaries } from './binaries.ts'
import { syncFolder } from './data-folder.ts'
import { EmbeddedPostgresError } from './error.ts'
import type { Placement } from './placement.ts'
import { runCommand } from './run-command.ts'

export const SUPERUSER = 'tollgate'
const STAGING_PREFIX = 'postgres.making-'

/** Makes the cluster. It gets its final name when it is complete: what has that name is never made again. */
export async function makeCluster(
  placement: Placement,
  binaries: Binaries,
  password: string,
): Promise<void> {
  const home = dirname(placement.clusterDir)
  await removeUnfinished(home)
  const staging = join(home, `${STAGING_PREFIX}${randomBytes(4).toString('hex')}`)
  try {
    await initialise(staging, placement, binaries, password)
    await rename(join(staging, 'data'), placement.clusterDir)
    await syncFolder(home)
  } finally {
    await rm(staging, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Throws when the cluster is not one that these binaries can run. */
export async function checkCluster(clusterDir: string, binaries: Binaries): Promise<void> {
  const version = await readFile(join(clusterDir, 'PG_VERSION'), 'utf8').catch(() => null)
  if (version === null) {
    throw new EmbeddedPostgresError(
      `${clusterDir} is not a complete PostgreSQL database (PG_VERSION is missing). Restore it from your backup, or set TOLLGATE_DATA_DIR to another folder.`,
    )
  }
  if (version.trim() !== String(binaries.major)) {
    throw new EmbeddedPostgresError(
      `The database in ${clusterDir} was made by PostgreSQL ${version.trim()}, and this Tollgate brings PostgreSQL ${binaries.major}. Start the Tollgate that made it, or set TOLLGATE_DATA_DIR to another folder.`,
    )
  }
}

/** What a killed start left. Its initdb may still be writing; it will fail, and that is all. */
async function removeUnfinished(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    if (!name.startsWith(STAGING_PREFIX)) continue
    await rm(join(home, name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }
}

async function initialise(
  staging: string,
  { account }: Placement,
  binaries: Binaries,
  password: string,
): Promise<void> {
  const passwordFile = join(staging, 'password')
  await mkdir(staging, { mode: 0o700 })
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  if (account !== null) {
    await chown(passwordFile, account.uid, account.gid)
    await chown(staging, account.uid, account.gid)
  }
  const { exitCode, output } = await runCommand(
    binaries.initdb,
    [
      `--pgdata=${join(staging, 'data')}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ],
    account,
  )
  if (exitCode !== 0) {
    const lines = output.trim().split('\n').slice(-6).join('\n')
    throw new EmbeddedPostgresError(`The database could not be made in ${staging}:\n${lines}`)
  }
}
