import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicMs } from '../../lib/clock.ts'
import {
  POSTGRES_LEFTOVER_MS_MAX,
  POSTGRES_LEFTOVER_RETRY_MS,
  POSTGRES_LOG_CHECK_MS,
  POSTGRES_PORT_TRIES_MAX,
  POSTGRES_RESTART_DELAY_MS_MAX,
  POSTGRES_RESTART_DELAY_MS_MIN,
} from '../../limits.ts'
import { adoptOrStop } from './adopt.ts'
import { freePort } from './port.ts'
import {
  type Cluster,
  type Postmaster,
  PostmasterStartError,
  spawnPostmaster,
  stopPostmaster,
} from './postmaster.ts'
import { limitLog } from './server-log.ts'

export type Log = {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

const PORT_TAKEN = /could not bind|could not create any TCP\/IP sockets/
const LEFTOVER = /pre-existing shared memory block|lock file "postmaster.pid" already exists/

/** The first start: any free port will do. */
export async function startOnFreePort(cluster: Cluster): Promise<Postmaster> {
  const never = new AbortController().signal
  for (let tries = 1; ; tries++) {
    try {
      return await startWhenClear(cluster, await freePort(), never)
    } catch (error) {
      if (!failedWith(error, PORT_TAKEN) || tries === POSTGRES_PORT_TRIES_MAX) throw error
    }
  }
}

/** Keeps a server running on its port until `stop`. */
export function supervise(
  first: Postmaster,
  cluster: Cluster,
  password: string,
  log: Log,
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const logCheck = setInterval(() => {
    limitLog(cluster.logFile).catch((error: Error) => {
      log.warn({ error: error.message }, "PostgreSQL's log could not be cut")
    })
  }, POSTGRES_LOG_CHECK_MS).unref()
  const watching = watch(first, cluster, password, log, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      clearInterval(logCheck)
      await watching
    },
  }
}

async function watch(
  first: Postmaster,
  cluster: Cluster,
  password: string,
  log: Log,
  stopping: AbortSignal,
): Promise<void> {
  let delayMs = 0
  for (let current = first; ; ) {
    const since = monotonicMs()
    const how = await Promise.race([current.gone, aborted(stopping)])
    if (stopping.aborted) return stopPostmaster(current)
    log.error({ pid: current.pid, how }, 'PostgreSQL ended unexpectedly; starting it again')
    // One that runs for a while and dies is started at once; one that dies at once has to wait.
    if (monotonicMs() - since > POSTGRES_RESTART_DELAY_MS_MAX) delayMs = 0
    const next = await restart(current.port, cluster, password, log, stopping, delayMs)
    if (next === null) return
    delayMs = nextDelay(delayMs)
    log.info({ pid: next.pid, port: next.port }, 'PostgreSQL runs again')
    current = next
  }
}

/** On the same port, since clients hold the URL. Tries until it works, or until stopped (null). */
async function restart(
  port: number,
  cluster: Cluster,
  password: string,
  log: Log,
  stopping: AbortSignal,
  firstDelayMs: number,
): Promise<Postmaster | null> {
  for (let delayMs = firstDelayMs; ; delayMs = nextDelay(delayMs)) {
    await sleep(delayMs, undefined, { signal: stopping }).catch(() => {})
    if (stopping.aborted) return null
    try {
      const running = await adoptOrStop(cluster, password)
      if (running?.port === port) return running
      if (running !== null) await stopPostmaster(running)
      return await startWhenClear(cluster, port, stopping)
    } catch (error) {
      if (stopping.aborted) return null
      const { message } = error as Error
      log.error({ error: message, retry_ms: nextDelay(delayMs) }, 'PostgreSQL did not start again')
    }
  }
}

/** After a `kill -9` the last processes of the old server may need a moment to let go of its memory. */
async function startWhenClear(
  cluster: Cluster,
  port: number,
  abort: AbortSignal,
): Promise<Postmaster> {
  const deadline = monotonicMs() + POSTGRES_LEFTOVER_MS_MAX
  while (true) {
    try {
      return await spawnPostmaster(cluster, port, abort)
    } catch (error) {
      if (!failedWith(error, LEFTOVER) || monotonicMs() > deadline || abort.aborted) throw error
      await sleep(POSTGRES_LEFTOVER_RETRY_MS)
    }
  }
}

function failedWith(error: unknown, pattern: RegExp): boolean {
  return error instanceof PostmasterStartError && pattern.test(error.said)
}

function nextDelay(delayMs: number): number {
  return Math.min(
    Math.max(2 * delayMs, POSTGRES_RESTART_DELAY_MS_MIN),
    POSTGRES_RESTART_DELAY_MS_MAX,
  )
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve('stopped')
    signal.addEventListener('abort', () => resolve('stopped'), { once: true })
  })
}
