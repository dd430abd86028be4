import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** Tollgate as it is started for real, in a process of its own. */
export type TollgateProcess = {
  child: ChildProcess
  url: string
  /** What it has written so far. */
  out(): string
  logs(): string
  /** Resolves with the exit code. */
  ended: Promise<number | null>
}

const MAIN = join(import.meta.dirname, '../src/main.ts')

/** Runs a command to its end. Nothing of this process's environment gets to it but what starting a process needs. */
export async function runTollgate(
  t: TestContext,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; out: string; logs: string }> {
  const { out, logs, ended } = launch(t, args, env)
  const code = await ended
  return { code, out: out(), logs: logs() }
}

/** Starts a node, and resolves when it says where it runs. */
export async function startServing(
  t: TestContext,
  env: Record<string, string>,
): Promise<TollgateProcess> {
  const launched = launch(t, ['serve'], { PORT: '0', ...env })
  const { child, out, logs, ended } = launched
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', () => {
      const [, address] = /Tollgate runs at (http:\S+)/.exec(out()) ?? []
      if (address !== undefined && out().endsWith('\n')) resolve(address)
    })
    ended.then((code) => reject(new Error(`Tollgate ended with ${code}: ${out()}${logs()}`)))
  })
  return { ...launched, url }
}

function launch(
  t: TestContext,
  args: string[],
  env: Record<string, string>,
): Omit<TollgateProcess, 'url'> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...env },
    cwd: '/',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const out = collect(child.stdout!)
  const logs = collect(child.stderr!)
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => resolve(code)),
  )
  return { child, out, logs, ended }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}
