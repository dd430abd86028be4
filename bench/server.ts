import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import nodeFlags from '../scripts/node-flags.json' with { type: 'json' }
import { CannotMeasure } from './failure.ts'
import type { Workspace } from './workspace.ts'

export const MAIN = fileURLToPath(new URL('../apps/server/src/main.ts', import.meta.url))
const HOST = '127.0.0.1'
const READY_MS_MAX = 60_000
const READY_POLL_MS = 20
const STOP_MS_MAX = 20_000
const LOG_TAIL_CHARS = 2_000

/** Passed on to Tollgate; nothing else of this shell's environment may change what is measured. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG']

export type ServerSettings = {
  port: number
  dataDir: string
  operatorKey: string
  /** Null: Tollgate starts its embedded PostgreSQL in the data folder. */
  databaseUrl: string | null
}

/** A Tollgate in a process of its own, on this machine. */
export type Server = {
  host: string
  port: number
  pid: number
  /** Resolves when the process is gone, whoever ended it. */
  exited: Promise<void>
  isRunning(): boolean
  ready(timeoutMs?: number): Promise<void>
  logTail(): string
  kill(): Promise<void>
  /** SIGTERM, and SIGKILL when that takes longer than Tollgate promises. */
  stop(): Promise<void>
}

export async function serverSettings(
  workspace: Workspace,
  databaseUrl: string | null,
): Promise<ServerSettings> {
  return {
    port: await freePort(),
    dataDir: join(workspace.folder, 'tollgate'),
    operatorKey: `bench-operator-${process.pid}-${Date.now()}`,
    databaseUrl,
  }
}

/** Starts Tollgate, as `npm start` does; it is not ready yet when this returns. */
export function spawnServer(settings: ServerSettings): Server {
  const logFile = `${settings.dataDir}.log`
  mkdirSync(dirname(logFile), { recursive: true })
  const log = openSync(logFile, 'a')
  const child = spawn(process.execPath, [...nodeFlags, MAIN, 'serve'], {
    // Tollgate stops by itself when the channel to its parent breaks: nothing is left if this dies.
    stdio: ['ignore', log, log, 'ipc'],
    env: environment(settings),
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null
  return {
    host: HOST,
    port: settings.port,
    pid: child.pid ?? -1,
    exited,
    isRunning,
    ready: (timeoutMs = READY_MS_MAX) => ready(settings, isRunning, logFile, timeoutMs),
    logTail: () => tail(logFile),
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
    stop: () => stop(child, exited),
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => {
    probe.listen(0, HOST, resolve)
  })
  const { port } = probe.address() as AddressInfo
  await new Promise((resolve) => {
    probe.close(resolve)
  })
  return port
}

export function environment(settings: ServerSettings): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    HOST,
    PORT: String(settings.port),
    TOLLGATE_DATA_DIR: settings.dataDir,
    TOLLGATE_OPERATOR_KEY: settings.operatorKey,
    LOG_LEVEL: 'warn',
  }
  if (settings.databaseUrl !== null) env.DATABASE_URL = settings.databaseUrl
  for (const name of PASSED_ON) {
    const value = process.env[name]
    if (value !== undefined) env[name] = value
  }
  return env
}

async function ready(
  settings: ServerSettings,
  isRunning: () => boolean,
  logFile: string,
  timeoutMs: number,
): Promise<void> {
  const giveUpAt = Date.now() + timeoutMs
  while (Date.now() < giveUpAt) {
    if (!isRunning()) throw new CannotMeasure(`Tollgate did not start:\n${tail(logFile)}`)
    try {
      const response = await fetch(`http://${HOST}:${settings.port}/ready`)
      await response.arrayBuffer()
      if (response.status === 200) return
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, READY_POLL_MS)
    })
  }
  throw new CannotMeasure(`Tollgate was not ready within ${timeoutMs} ms:\n${tail(logFile)}`)
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const tooLong = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  child.kill('SIGTERM')
  await exited
  clearTimeout(tooLong)
}

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').slice(-LOG_TAIL_CHARS)
}
