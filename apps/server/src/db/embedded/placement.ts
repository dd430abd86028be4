import { createHash } from 'node:crypto'
import { access, realpath, rename, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { filesOf, makeEnterable, readIfThere } from './data-folder.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import { accountForPostgres, canEnter, isRoot } from './os-account.ts'
import type { OsAccount } from './run-command.ts'

/** Where a cluster lies when the user that runs it may not enter the data folder. */
export const SHARED_DIR = '/var/lib/tollgate'

export type Placement = {
  /** The cluster: PostgreSQL's own data directory. */
  clusterDir: string
  exists: boolean
  /** The user that PostgreSQL runs as; null: the one that runs Tollgate. */
  account: OsAccount | null
  /** Set when the cluster lies outside the data folder. */
  elsewhere: boolean
}

export async function placeCluster(dataDir: string, sharedDir: string): Promise<Placement> {
  const inside = filesOf(dataDir).cluster
  const noted = await readNote(dataDir)
  if (!isRoot()) {
    if (noted !== null) throw unreachable(dataDir, noted)
    return { clusterDir: inside, exists: await exists(inside), account: null, elsewhere: false }
  }
  if (await exists(inside)) return insideAsRoot(inside)
  if (noted !== null) return notedElsewhere(dataDir, noted)
  const account = await accountForPostgres()
  if (await canEnter(account, dataDir)) {
    return { clusterDir: inside, exists: false, account, elsewhere: false }
  }
  return newElsewhere(dataDir, sharedDir, account)
}

/** Written when the cluster is complete: a note that names a place promises that a database is there. */
export async function noteLocation(dataDir: string, placement: Placement): Promise<void> {
  if (!placement.elsewhere) return
  await writeFile(
    filesOf(dataDir).location,
    `${placement.clusterDir}\n\nThe database of this folder lies there: PostgreSQL does not run as root, and the user\n"${placement.account?.name}" that runs it may not enter this folder. Back up both together.\n`,
  )
  await writeFile(ownerRecord(placement.clusterDir), `${dataDir}\n`)
}

/** Root runs a cluster as whoever it belongs to, so a folder stays usable for the user that made it. */
async function insideAsRoot(clusterDir: string): Promise<Placement> {
  const account = await ownerOf(clusterDir)
  if (!(await canEnter(account, clusterDir))) {
    throw new EmbeddedPostgresError(
      `The user "${account.name}" that runs the database may not enter ${clusterDir}. Let it pass through the folders above (chmod o+x), or move the data folder to a place that it can enter and set TOLLGATE_DATA_DIR.`,
    )
  }
  return { clusterDir, exists: true, account, elsewhere: false }
}

async function notedElsewhere(dataDir: string, clusterDir: string): Promise<Placement> {
  if (!(await exists(clusterDir))) {
    throw new EmbeddedPostgresError(
      `The database of ${dataDir} should be in ${clusterDir}, and is not there. Restore it from your backup; or, to begin with an empty database, delete ${filesOf(dataDir).location}.`,
    )
  }
  const owner = (await readIfThere(ownerRecord(clusterDir)))?.trim() ?? dataDir
  if (owner !== dataDir && (await readNote(owner)) === clusterDir) {
    throw new EmbeddedPostgresError(
      `The data folder ${dataDir} is a copy of ${owner}, and the database belongs to that one. Set TOLLGATE_DATA_DIR to ${owner}; or, to begin with an empty database, delete ${dataDir}.`,
    )
  }
  return { clusterDir, exists: true, account: await ownerOf(clusterDir), elsewhere: true }
}

async function newElsewhere(
  dataDir: string,
  sharedDir: string,
  account: OsAccount,
): Promise<Placement> {
  await makeEnterable(sharedDir).catch((cause) => {
    throw new EmbeddedPostgresError(
      `The user "${account.name}" that runs the database may not enter ${dataDir}, and ${sharedDir} cannot be made (${codeOf(cause)}). Set TOLLGATE_DATA_DIR to a folder that it can enter.`,
      { cause },
    )
  })
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const home = join(await realpath(sharedDir), key)
  const clusterDir = join(home, 'postgres')
  const hasPassword = (await readIfThere(filesOf(dataDir).password)) !== null
  if ((await exists(clusterDir)) && !hasPassword) await setAside(home)
  await makeEnterable(home)
  if (!(await canEnter(account, home))) {
    throw new EmbeddedPostgresError(
      `The user "${account.name}" that runs the database may enter neither ${dataDir} nor ${home}. Set TOLLGATE_DATA_DIR to a folder that it can enter, or start Tollgate as an ordinary user.`,
    )
  }
  return { clusterDir, exists: await exists(clusterDir), account, elsewhere: true }
}

/** The data folder was emptied to begin anew. What a database once held is kept all the same. */
async function setAside(home: string): Promise<void> {
  for (let n = 1; ; n++) {
    const aside = join(dirname(home), `${basename(home)}.old-${n}`)
    if (await exists(aside)) continue
    return rename(home, aside)
  }
}

async function ownerOf(clusterDir: string): Promise<OsAccount> {
  const { uid, gid } = await stat(clusterDir)
  if (uid === 0) {
    const { name } = await accountForPostgres()
    throw new EmbeddedPostgresError(
      `The database in ${clusterDir} belongs to root, and PostgreSQL does not run as root. Give it to another user: chown -R ${name} ${clusterDir}`,
    )
  }
  return { name: `uid ${uid}`, uid, gid }
}

export async function readNote(dataDir: string): Promise<string | null> {
  return (await readIfThere(filesOf(dataDir).location))?.split('\n')[0]?.trim() ?? null
}

function ownerRecord(clusterDir: string): string {
  return join(dirname(clusterDir), 'belongs-to.txt')
}

function unreachable(dataDir: string, clusterDir: string): EmbeddedPostgresError {
  return new EmbeddedPostgresError(
    `The database of ${dataDir} lies in ${clusterDir} because root made it. Start Tollgate as root, or set TOLLGATE_DATA_DIR to another folder.`,
  )
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
