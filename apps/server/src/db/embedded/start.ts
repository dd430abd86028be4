import { adoptOrStop } from './adopt.ts'
import { findBinaries } from './binaries.ts'
import { claimDataFolder } from './claim.ts'
import { checkCluster, makeCluster } from './cluster.ts'
import { databaseUrl, ensureDatabase } from './connect.ts'
import { filesOf, openDataFolder } from './data-folder.ts'
import { EmbeddedPostgresError } from './error.ts'
import { passwordFor } from './password.ts'
import { noteLocation, placeCluster, SHARED_DIR } from './placement.ts'
import { type Cluster, type Postmaster, stopPostmaster } from './postmaster.ts'
import { rotateLog } from './server-log.ts'
import type { Settings } from './settings.ts'
import { type Log, startOnFreePort, supervise } from './supervisor.ts'

export type EmbeddedPostgres = {
  /** postgres:// URL of the database `tollgate` on 127.0.0.1, password included. Never log it. */
  url: string
  /** Stops the server, waits until it is gone, and lets go of the folder. May be called again. */
  stop(): Promise<void>
}

export type EmbeddedPostgresOptions = {
  dataDir: string
  log: Log
  /** Told what a start that takes time is doing. */
  onProgress?(message: string): void
  /** Settings of PostgreSQL that differ from ours: for tests. */
  settings?: Settings
  /** Where the cluster lies when PostgreSQL's user may not enter the data folder: for tests. */
  sharedDir?: string
}

/**
 * Starts the PostgreSQL of `dataDir`, or takes over the one that a killed Tollgate left running, and
 * keeps it running until `stop`. Throws EmbeddedPostgresError, whose message is for the user.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const dataDir = await openDataFolder(options.dataDir)
  const release = await claimDataFolder(dataDir)
  try {
    const { cluster, password } = await prepare(dataDir, options)
    const first = await adoptOrStart(cluster, password, options)
    const supervisor = supervise(first, cluster, password, options.log)
    let stopped: Promise<void> | undefined
    return {
      url: databaseUrl(first.port, password),
      stop() {
        stopped ??= supervisor.stop().finally(release)
        return stopped
      },
    }
  } catch (error) {
    await release()
    throw explained(error, dataDir)
  }
}

async function prepare(
  dataDir: string,
  { onProgress, settings = {}, sharedDir = SHARED_DIR }: EmbeddedPostgresOptions,
): Promise<{ cluster: Cluster; password: string }> {
  const placement = await placeCluster(dataDir, sharedDir)
  const binaries = await findBinaries(placement.account, sharedDir)
  const password = await passwordFor(dataDir, placement.exists)
  if (!placement.exists) {
    onProgress?.('Making the database')
    await makeCluster(placement, binaries, password)
  }
  await checkCluster(placement.clusterDir, binaries)
  await noteLocation(dataDir, placement)
  return { cluster: { placement, binaries, settings, logFile: filesOf(dataDir).log }, password }
}

async function adoptOrStart(
  cluster: Cluster,
  password: string,
  { log, onProgress }: EmbeddedPostgresOptions,
): Promise<Postmaster> {
  const adopted = await adoptOrStop(cluster, password)
  if (adopted !== null) {
    log.warn({ pid: adopted.pid }, 'PostgreSQL was still running; taken over')
    return adopted
  }
  onProgress?.('Starting the database')
  await rotateLog(cluster.logFile)
  const started = await startOnFreePort(cluster)
  try {
    await ensureDatabase(started.port, password)
    return started
  } catch (error) {
    await stopPostmaster(started)
    throw error
  }
}

function explained(error: unknown, dataDir: string): Error {
  if (error instanceof EmbeddedPostgresError) return error
  const { message } = error as Error
  return new EmbeddedPostgresError(
    `The database in ${dataDir} could not be started: ${message}. PostgreSQL's own log is ${filesOf(dataDir).log}.`,
    { cause: error },
  )
}
