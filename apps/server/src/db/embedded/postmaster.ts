import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../lib/clock.ts'
import {
  POSTGRES_ADOPTED_POLL_MS,
  POSTGRES_CUT_SHORT_MS_MAX,
  POSTGRES_START_MS_MAX,
  POSTGRES_STATUS_POLL_MS,
  POSTGRES_STOP_MS_MAX,
} from '../../limits.ts'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError } from './error.ts'
import type { Placement } from './placement.ts'
import { isPostmasterOf, readPostmasterFile } from './postmaster-file.ts'
import { processStart } from './process-identity.ts'
import { COMMAND_ENVIRONMENT } from './run-command.ts'
import { logSize, logTail, openLog } from './server-log.ts'
import { type Settings, serverArguments } from './settings.ts'

/** Everything that a start of this cluster's server needs, the first as well as the hundredth. */
export type Cluster = {
  placement: Placement
  binaries: Binaries
  logFile: string
  settings: Settings
}

export type Postmaster = {
  pid: number
  port: number
  /** Resolves when the process is gone, with how it went. */
  gone: Promise<string>
}

/** A start that failed, with what PostgreSQL said. */
export class PostmasterStartError extends EmbeddedPostgresError {
  readonly said: string
  constructor(how: string, said: string) {
    super(
      `The database did not start (${how}). PostgreSQL says:\n${said === '' ? '(nothing)' : said}`,
    )
    this.said = said
  }
}

/** Starts the server and waits until it takes connections. Aborting stops it again. */
export async function spawnPostmaster(
  cluster: Cluster,
  port: number,
  abort: AbortSignal,
): Promise<Postmaster> {
  const offset = await logSize(cluster.logFile)
  const { pid, gone } = launch(cluster, port)
  const postmaster = { pid, port, gone }
  try {
    const how = await untilReady(cluster.placement.clusterDir, postmaster, abort)
    if (how === 'ready') return postmaster
    throw new PostmasterStartError(how, await logTail(cluster.logFile, offset))
  } catch (error) {
    await stopPostmaster(postmaster)
    throw error
  }
}

/** A server that runs already and is not our child. */
export function watchPostmaster(pid: number, port: number): Postmaster {
  return { pid, port, gone: untilGone(pid) }
}

/** Resolves with 'ready', or with how the server went instead. */
export async function untilReady(
  clusterDir: string,
  { pid, gone }: Postmaster,
  abort: AbortSignal,
): Promise<string> {
  const deadline = monotonicMs() + POSTGRES_START_MS_MAX
  let end: string | null = null
  void gone.then((how) => {
    end = how
  })
  while (end === null) {
    const file = await readPostmasterFile(clusterDir)
    if (file?.pid === pid && file.status === 'ready') return 'ready'
    if (abort.aborted) return 'stopped meanwhile'
    if (monotonicMs() > deadline) return `not ready after ${POSTGRES_START_MS_MAX / 1000} s`
    await sleep(POSTGRES_STATUS_POLL_MS)
  }
  return end
}

/** A fast shutdown; one that does not end is cut short, which loses nothing but the next start's time. */
export async function stopPostmaster({ pid, gone }: Postmaster): Promise<void> {
  // The pid of a child that ended may be a stranger's by now.
  if (await settlesWithin(gone, 0)) return
  signal(pid, 'SIGINT')
  if (await settlesWithin(gone, POSTGRES_STOP_MS_MAX)) return
  signal(pid, 'SIGQUIT')
  if (await settlesWithin(gone, POSTGRES_CUT_SHORT_MS_MAX)) return
  throw new EmbeddedPostgresError(`The database (process ${pid}) does not stop.`)
}

/** Whether the server of this cluster is `pid`, as long as the answer matters: it can die at any time. */
export async function runningPostmaster(
  clusterDir: string,
): Promise<{ pid: number; port: number; status: string } | null> {
  const file = await readPostmasterFile(clusterDir)
  return file !== null && (await isPostmasterOf(file.pid, clusterDir)) ? file : null
}

function launch(cluster: Cluster, port: number): { pid: number; gone: Promise<string> } {
  const { placement, binaries, settings, logFile } = cluster
  const { account, clusterDir } = placement
  const log = openLog(logFile)
  try {
    const child = spawn(binaries.postgres, serverArguments(clusterDir, port, settings), {
      cwd: '/',
      env: COMMAND_ENVIRONMENT,
      stdio: ['ignore', log.fd, log.fd],
      // Ctrl-C in a terminal goes to the whole process group, and we still have to write.
      detached: true,
      ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
    })
    const gone = exitOf(child)
    if (child.pid === undefined) {
      throw new EmbeddedPostgresError(
        `The database could not be started from ${binaries.postgres}.`,
      )
    }
    return { pid: child.pid, gone }
  } finally {
    log.close()
  }
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code, name) => resolve(name === null ? `exit code ${code}` : name))
  })
}

async function untilGone(pid: number): Promise<string> {
  const started = await processStart(pid)
  while (started !== null && (await processStart(pid)) === started) {
    await sleep(POSTGRES_ADOPTED_POLL_MS)
  }
  return 'gone'
}

function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController()
  const timeout = sleep(ms, false, { signal: timer.signal }).catch(() => false)
  return Promise.race([promise.then(() => true), timeout]).finally(() => timer.abort())
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // It ended between the look and the signal; `gone` says so.
  }
}
