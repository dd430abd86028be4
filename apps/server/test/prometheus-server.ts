import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export type QueryResult = { metric: Record<string, string>; value: [number, string] }[]

/** A Prometheus of one test file's own. */
export type TestPrometheus = {
  /** Of an expression, right now. @throws Error with what Prometheus says */
  query(expression: string): Promise<QueryResult>
  /** `query`, again until it finds something. */
  untilFound(expression: string): Promise<QueryResult>
  stop(): Promise<void>
}

const COMMANDS = ['prometheus', 'promtool']
const START_MS_MAX = 60_000
const FOUND_MS_MAX = 120_000
const POLL_MS = 100

/** Where there is no Prometheus: why its tests are skipped. Where all must run, that is a failure. */
export function withoutPrometheus(): string | false {
  const missing = COMMANDS.filter((command) => spawnSync(command, ['--version']).status !== 0)
  if (missing.length === 0) return false
  const why = `${missing.join(' and ')} not installed (Debian: apt-get install prometheus)`
  const { CI, TOLLGATE_CI } = process.env
  if (CI || TOLLGATE_CI) throw new Error(why)
  return why
}

/** What promtool says, and whether it is content. */
export async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ ok: boolean; said: string }> {
  return new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      resolve({ ok: error === null, said: stdout + stderr })
    })
    child.stdin!.end(input)
  })
}

/** Files, of which `prometheus.yml` is the configuration, in a folder of their own. */
export async function configFolder(
  files: Record<string, string>,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'tollgate-prometheus-'))
  await Promise.all(
    Object.entries(files).map(([name, text]) => writeFile(join(path, name), text, { mode: 0o600 })),
  )
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

export async function startPrometheus(folder: string): Promise<TestPrometheus> {
  const port = await freePort()
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  const url = `http://127.0.0.1:${port}`
  await untilReady(url, child).catch(async (error: unknown) => {
    await stop()
    throw error
  })
  const query = async (expression: string) => {
    const reply = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`)
    const { status, error, data } = (await reply.json()) as {
      status: string
      error?: string
      data?: { result: QueryResult }
    }
    if (status !== 'success') throw new Error(`${expression}: ${error}`)
    return data!.result
  }
  const untilFound = async (expression: string) => {
    const until = performance.now() + FOUND_MS_MAX
    while (performance.now() < until) {
      const found = await query(expression)
      if (found.length > 0) return found
      await sleep(POLL_MS)
    }
    throw new Error(`${expression} found nothing within ${FOUND_MS_MAX} ms`)
  }
  return { query, untilFound, stop }
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const until = performance.now() + START_MS_MAX
  while (performance.now() < until && child.exitCode === null) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (ready) return
    await sleep(POLL_MS)
  }
  throw new Error(`prometheus did not answer within ${START_MS_MAX} ms`)
}
