import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureDatabase } from './connect.ts'
import {
  type Cluster,
  type Postmaster,
  runningPostmaster,
  stopPostmaster,
  untilReady,
  watchPostmaster,
} from './postmaster.ts'
import { postmasterFilePath, readPostmasterFile } from './postmaster-file.ts'
import { processStart } from './process-identity.ts'
import { optionsLine, serverArguments } from './settings.ts'

/**
 * The server that a killed Tollgate left running: taken over when it is the one we would start,
 * stopped when it is not. null: none runs, and nothing stands in the way of a start.
 */
export async function adoptOrStop(cluster: Cluster, password: string): Promise<Postmaster | null> {
  const { clusterDir } = cluster.placement
  const running = await runningPostmaster(clusterDir)
  if (running === null) {
    await removeMisleadingFile(clusterDir)
    return null
  }
  const postmaster = watchPostmaster(running.pid, running.port)
  if (running.status !== 'stopping' && (await isUsable(cluster, postmaster, password))) {
    return postmaster
  }
  await stopPostmaster(postmaster)
  return null
}

async function isUsable(
  cluster: Cluster,
  postmaster: Postmaster,
  password: string,
): Promise<boolean> {
  const { clusterDir } = cluster.placement
  if (!(await isConfiguredAsWanted(cluster, postmaster.port))) return false
  const how = await untilReady(clusterDir, postmaster, AbortSignal.any([]))
  if (how !== 'ready') return false
  return ensureDatabase(postmaster.port, password).then(
    () => true,
    () => false,
  )
}

async function isConfiguredAsWanted(cluster: Cluster, port: number): Promise<boolean> {
  const { placement, settings, binaries } = cluster
  const found = await readFile(join(placement.clusterDir, 'postmaster.opts'), 'utf8')
  const wanted = optionsLine(
    { ...binaries, postgres: await realpath(binaries.postgres) },
    serverArguments(placement.clusterDir, port, settings),
  )
  return found.trim() === wanted
}

/**
 * PostgreSQL will not start while postmaster.pid names a process that exists, even one that is a
 * zombie or a stranger. Other leftovers it clears away itself, with a closer look than ours.
 */
async function removeMisleadingFile(clusterDir: string): Promise<void> {
  const file = await readPostmasterFile(clusterDir)
  if (file === null) return
  const isStranger = (await processStart(file.pid)) !== null
  if (isStranger || isZombie(file.pid)) await rm(postmasterFilePath(clusterDir), { force: true })
}

function isZombie(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
