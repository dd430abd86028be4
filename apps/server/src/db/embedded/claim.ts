import { randomInt } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pid } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { DATA_FOLDER_CLAIM_RETRY_MS, DATA_FOLDER_CLAIM_TRIES_MAX } from '../../limits.ts'
import { folderError } from './data-folder.ts'
import { codeOf, EmbeddedPostgresError } from './error.ts'
import { processStart } from './process-identity.ts'

const CLAIM = /^tollgate-(\d+)-([0-9a-f]+)\.lock$/
const OWNER = 'owner\n'

/**
 * Makes this process the only owner of the data folder, or throws. Returns the release.
 *
 * Each process has a lock file of its own name (pid and start time), made exclusively; whoever finds
 * no other living one after making it has won. One shared file would have to be deleted when its
 * owner was killed, and of two who do that at once, the second deletes what the first just made.
 */
export async function claimDataFolder(dataDir: string): Promise<() => Promise<void>> {
  const mine = join(dataDir, `tollgate-${pid}-${await processStart(pid)}.lock`)
  const release = () => rm(mine, { force: true })
  let other = pid
  for (let tries = 0; tries < DATA_FOLDER_CLAIM_TRIES_MAX; tries++) {
    await makeClaim(mine, dataDir)
    const others = await livingClaims(dataDir, mine)
    if (others.length === 0) {
      await writeFile(mine, OWNER)
      return release
    }
    await release()
    const owner = others.find((claim) => claim.isOwner)
    if (owner !== undefined) throw inUse(dataDir, owner.pid)
    other = others[0]?.pid ?? other
    await sleep(DATA_FOLDER_CLAIM_RETRY_MS + randomInt(2 * DATA_FOLDER_CLAIM_RETRY_MS))
  }
  throw inUse(dataDir, other)
}

async function makeClaim(path: string, dataDir: string): Promise<void> {
  try {
    await writeFile(path, '', { flag: 'wx', mode: 0o644 })
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw inUse(dataDir, pid)
    throw folderError(dataDir, error)
  }
}

type Claim = { pid: number; isOwner: boolean }

/** Claims of the dead are removed: their names can never belong to anyone else. */
async function livingClaims(dataDir: string, mine: string): Promise<Claim[]> {
  const claims: Claim[] = []
  for (const name of await readdir(dataDir)) {
    const path = join(dataDir, name)
    const [, holder, started] = CLAIM.exec(name) ?? []
    if (holder === undefined || path === mine) continue
    if ((await processStart(Number(holder))) !== started) {
      await rm(path, { force: true })
      continue
    }
    const isOwner = (await readFile(path, 'utf8').catch(() => '')) === OWNER
    claims.push({ pid: Number(holder), isOwner })
  }
  return claims
}

function inUse(dataDir: string, holder: number): EmbeddedPostgresError {
  const who = holder === pid ? 'this very process' : `another Tollgate (process ${holder})`
  return new EmbeddedPostgresError(
    `The data folder ${dataDir} is in use by ${who}. Stop that one first, or set TOLLGATE_DATA_DIR to another folder.`,
  )
}
