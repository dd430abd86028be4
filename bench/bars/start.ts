import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Api } from '../api.ts'
import { CannotMeasure } from '../failure.ts'
import type { Options } from '../options.ts'
import { stopLeftPostgres } from '../postmaster.ts'
import { progress, type Report, type Row } from '../report.ts'
import { environment, type ServerSettings, serverSettings } from '../server.ts'
import { createTenant } from '../subject.ts'
import type { Workspace } from '../workspace.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const FIRST_SECONDS_MAX = 90
const NEXT_SECONDS_MAX = 3
const GIVE_UP_MS = 600_000
const POLL_MS = 20
const LOG_CHARS_MAX = 4_000

/** From a fresh clone, and from the second time on: how long until the first event is accepted. */
export async function start(workspace: Workspace, options: Options): Promise<Report> {
  const clone = join(workspace.folder, 'clone')
  copyCheckout(clone)
  const settings: ServerSettings = {
    ...(await serverSettings(workspace, null)),
    dataDir: join(clone, '.tollgate'),
  }
  workspace.onClose(() => stopLeftPostgres(settings.dataDir))
  progress('npm start in a fresh clone')
  const first = await secondsToFirstEvent(workspace, settings, clone, 'first')
  const next: number[] = []
  for (let round = 1; round <= options.rounds; round++) {
    progress('npm start again')
    next.push(await secondsToFirstEvent(workspace, settings, clone, `next-${round}`))
  }
  return {
    title: 'start: npm start to the first accepted event',
    conditions: [
      `what a clone has, in an empty folder; packages by npm, from its cache or the registry; the next start: the longest of ${options.rounds}`,
    ],
    rows: [
      row('fresh clone', first, FIRST_SECONDS_MAX),
      row('next start', Math.max(...next), NEXT_SECONDS_MAX),
    ],
    notes: [],
    broken: [],
  }
}

/** The files that a clone of this checkout would have, changes that are not committed included. */
function copyCheckout(folder: string): void {
  const list = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  )
  for (const file of list.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    cpSync(join(ROOT, file), join(folder, file))
  }
}

async function secondsToFirstEvent(
  workspace: Workspace,
  settings: ServerSettings,
  clone: string,
  name: string,
): Promise<number> {
  const logFile = join(workspace.folder, `${name}.log`)
  const log = openSync(logFile, 'a')
  const startedMs = performance.now()
  const child = spawn('npm', ['start'], {
    cwd: clone,
    // A process group of its own, so that npm and what it starts can be stopped together.
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...environment(settings) },
  })
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
  })
  workspace.onClose(() => stopGroup(child, exited))
  try {
    await firstEvent(child, settings, name)
  } catch (error) {
    throw new CannotMeasure(
      `${(error as Error).message}\n${excerpt(readFileSync(logFile, 'utf8'))}`,
    )
  }
  const seconds = (performance.now() - startedMs) / 1_000
  await stopGroup(child, exited)
  return seconds
}

async function firstEvent(
  child: ChildProcess,
  settings: ServerSettings,
  name: string,
): Promise<void> {
  const target = { host: '127.0.0.1', port: settings.port }
  await listening(child, target)
  const operator = new Api(target, settings.operatorKey)
  const tenant = await createTenant(operator, `bench-${name}`, 'enterprise', 0)
  const event = { service_name: 'bench-api', endpoint: '/convert', method: 'POST' }
  await new Api(target, tenant.key).post('/api/track', event)
}

async function listening(
  child: ChildProcess,
  target: { host: string; port: number },
): Promise<void> {
  const giveUpAt = Date.now() + GIVE_UP_MS
  while (Date.now() < giveUpAt) {
    if (child.exitCode !== null) throw new CannotMeasure('npm start ended by itself.')
    const ready = await fetch(`http://${target.host}:${target.port}/ready`).catch(() => null)
    await ready?.arrayBuffer()
    if (ready?.status === 200) return
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS)
    })
  }
  throw new CannotMeasure(`Tollgate was not ready within ${GIVE_UP_MS / 1_000} s.`)
}

async function stopGroup(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid!, 'SIGTERM')
  await exited
}

/** The reason often comes first and help about it last. */
function excerpt(log: string): string {
  if (log.length <= LOG_CHARS_MAX) return log
  const half = LOG_CHARS_MAX / 2
  return `${log.slice(0, half)}\n…\n${log.slice(-half)}`
}

function row(figure: string, seconds: number, bar: number): Row {
  return {
    figure: `seconds, ${figure}`,
    value: seconds.toFixed(1),
    bar: `≤ ${bar}`,
    passes: seconds <= bar,
  }
}
