import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { RedisSettings } from '../src/lib/settings.ts'
import { REDIS_TIMEOUT_MS_MAX } from '../src/limits.ts'
import { freePort } from './free-port.ts'
import { withoutProgram } from './without-program.ts'

/** A Redis of one test file's own, which it can take away. */
export type TestRedis = {
  /** For connections to it, with all the patience that a busy machine needs. */
  settings: RedisSettings
  /** To look at what is in it, and to make it older. */
  client: Redis
  /** kill -9; what was in it is gone. */
  kill(): Promise<void>
  /** Once more on the same port. */
  start(): Promise<void>
  /** Holds its connections and says nothing; `resume` ends that. */
  pause(): void
  resume(): void
  stop(): Promise<void>
}

const COMMAND = 'redis-server'
const START_MS_MAX = 10_000
const POLL_MS = 10

export function withoutRedis(): string | false {
  return withoutProgram(COMMAND, 'redis-server')
}

export async function startRedis(): Promise<TestRedis> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  const client = new Redis(url, { lazyConnect: true, retryStrategy: () => POLL_MS })
  client.on('error', () => undefined)
  let child: ChildProcess
  const start = async () => {
    child = spawn(COMMAND, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
      cwd: '/',
      stdio: 'ignore',
    })
    await untilItAnswers(url)
  }
  const kill = async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  await start()
  await client.connect()
  return {
    settings: { url, timeoutMs: REDIS_TIMEOUT_MS_MAX },
    client,
    kill,
    start,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      client.disconnect()
      if (child.exitCode === null && child.signalCode === null) await kill()
    },
  }
}

async function untilItAnswers(url: string): Promise<void> {
  const until = performance.now() + START_MS_MAX
  while (performance.now() < until) {
    const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null })
    probe.on('error', () => undefined)
    const answer = await probe
      .connect()
      .then(() => probe.ping())
      .catch(() => null)
    probe.disconnect()
    if (answer === 'PONG') return
    await sleep(POLL_MS)
  }
  throw new Error(`${COMMAND} did not answer within ${START_MS_MAX} ms`)
}
