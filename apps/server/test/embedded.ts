import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export type User = { uid: number; gid: number }

export type Tollgate = {
  pid: number
  url: string
  postmasterPid(): number
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code when it is gone. */
  stop(): Promise<number | null>
}

const FIXTURE = join(import.meta.dirname, 'start-embedded.ts')
const POLL_MS = 10
const WAIT_MS_MAX = 60_000

export const isRoot = process.geteuid?.() === 0

/** A data folder below a folder of its own, which is removed after the test together with what runs in it. */
export function testFolder(t: TestContext, user?: User): { dataDir: string; sharedDir: string } {
  const parent = mkdtempSync(join(isRoot ? '/tmp' : tmpdir(), 'tollgate-embedded-'))
  chmodSync(parent, 0o755)
  if (user !== undefined) chownSync(parent, user.uid, user.gid)
  const folder = { dataDir: join(parent, 'data'), sharedDir: join(parent, 'shared') }
  t.after(async () => {
    await killPostmaster(clusterOf(folder.dataDir))
    await rm(parent, { recursive: true, force: true, maxRetries: 5 })
  })
  return folder
}

/** Another process that starts the database of the folder; rejects with its message when it cannot. */
export async function startTollgate(
  t: TestContext,
  folder: { dataDir: string; sharedDir: string },
  options: { user?: User; settings?: Record<string, string>; env?: Record<string, string> } = {},
): Promise<Tollgate> {
  const child = spawnTollgate(t, folder, options)
  const [line = '{}'] = await firstLine(child)
  const { url, error, name } = JSON.parse(line)
  if (url === undefined) throw Object.assign(new Error(error), { name })
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return {
    pid: child.pid!,
    url,
    postmasterPid: () => postmasterPid(clusterOf(folder.dataDir)),
    async kill() {
      child.kill('SIGKILL')
      await gone
    },
    stop() {
      child.kill('SIGTERM')
      return gone
    },
  }
}

export function spawnTollgate(
  t: TestContext,
  { dataDir, sharedDir }: { dataDir: string; sharedDir: string },
  {
    user,
    settings = {},
    env = {},
  }: { user?: User; settings?: Record<string, string>; env?: Record<string, string> } = {},
): ChildProcess {
  const child = spawn(process.execPath, [FIXTURE, dataDir, sharedDir, JSON.stringify(settings)], {
    ...user,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
    cwd: '/',
  })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

/** Where the cluster of a data folder is. */
export function clusterOf(dataDir: string): string {
  const note = join(dataDir, 'postgres-location.txt')
  return existsSync(note) ? readFileSync(note, 'utf8').split('\n')[0]! : join(dataDir, 'postgres')
}

export function postmasterPid(clusterDir: string): number {
  return Number(readFileSync(join(clusterDir, 'postmaster.pid'), 'utf8').split('\n')[0])
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

export async function until<T>(what: string, probe: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + WAIT_MS_MAX
  while (Date.now() < deadline) {
    const found = await probe()
    if (found) return found
    await sleep(POLL_MS)
  }
  throw new Error(`waited in vain for: ${what}`)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** An ordinary user for root to become: null when we are one already. */
export function ordinaryUser(): User | null {
  if (!isRoot) return null
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/** Why `user` cannot run this checkout, or false: the value of a test's `skip`. */
export function cannotReachCheckout(user: User | null): string | false {
  if (user === null) return false
  try {
    execFileSync(
      process.execPath,
      ['-e', `require('fs').readFileSync(${JSON.stringify(FIXTURE)})`],
      {
        ...user,
        cwd: '/',
        stdio: 'ignore',
      },
    )
    return false
  } catch {
    return 'an ordinary user may not read this checkout, so only root can be tested here'
  }
}

async function killPostmaster(clusterDir: string): Promise<void> {
  if (!existsSync(join(clusterDir, 'postmaster.pid'))) return
  const pid = postmasterPid(clusterDir)
  const command = await Promise.resolve()
    .then(() => execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }))
    .catch(() => '')
  if (!command.includes(clusterDir)) return
  process.kill(pid, 'SIGQUIT')
  await until('the postmaster to end', () => !isAlive(pid))
}

function firstLine(child: ChildProcess): Promise<[string?]> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout! })
    lines.once('line', (line) => resolve([line]))
    lines.once('close', () => resolve([]))
    child.once('error', reject)
  })
}
