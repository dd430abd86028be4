import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, type TestContext, test } from 'node:test'
import { type Logger, pino } from 'pino'
import { proxyTo } from '../../test/api-proxy.ts'
import { testDatabase } from '../../test/database.ts'
import { clusterOf, postmasterPid, testFolder, until } from '../../test/embedded.ts'
import { startEmbeddedPostgres } from '../db/embedded/index.ts'
import { addJob, deleteFailedJobs, readLostWorkers, type Task } from '../db/jobs.ts'
import { migrate } from '../db/migrate.ts'
import { createPool, inTransaction } from '../db/pool.ts'
import { PermanentFailure } from '../lib/permanent-failure.ts'
import { JOB_FAILED_KEPT_DAYS, JOB_HELD_MS_MAX } from '../limits.ts'
import { type JobsWorkerOptions, startJobs } from './worker.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => undefined)
after(async () => {
  await pool.end()
  await database.drop()
})

test('a job is done once its transaction commits, and never if it does not', async (t) => {
  const { done } = worker(t)
  // The first job of a task writes down that there is such a task, and others wait for that commit.
  await addJob(pool, 'note', { n: 0 })
  await eventually(() => done.includes(0))
  await inTransaction(pool, async (db) => {
    await addJob(db, 'note', { n: 1 })
    await assert.rejects(
      inTransaction(pool, async (other) => {
        await addJob(other, 'note', { n: 2 })
        throw new Error('undone')
      }),
    )
    assert.deepEqual(done, [0])
  })
  await eventually(() => done.includes(1))
  await addJob(pool, 'note', { n: 3 })
  await eventually(() => done.includes(3))
  assert.deepEqual(done, [0, 1, 3])
  await eventually(noJobs)
})

test('a job that fails is tried again, and others go on meanwhile', async (t) => {
  let failures = 2
  const { done, logged } = worker(t, {
    tasks: {
      async flaky() {
        failures -= 1
        if (failures >= 0) throw new Error('not now')
        done.push(9)
      },
    },
  })
  await addJob(pool, 'flaky', {})
  await eventually(() => logged('a job failed').length === 1)
  await addJob(pool, 'note', { n: 1 })
  await eventually(() => done.includes(1))
  await untilDone(done, 9)
  assert.equal(logged('a job failed').length, 2)
  assert.deepEqual(logged('a job was given up'), [])
  await eventually(noJobs)
})

test('a job that fails every time is given up, which is logged as an error, and kept for a while', async (t) => {
  const { logged } = worker(t, { tasks: { hopeless: () => Promise.reject(new Error('no use')) } })
  await addJob(pool, 'hopeless', {}, { maxAttempts: 2 })
  await eventually(async () => {
    await hurry()
    return logged('a job was given up').length === 1
  })
  const { level, err } = logged('a job was given up')[0]!
  assert.equal(level, ERROR)
  assert.equal(err!.message, 'no use')
  const kept = async () => (await jobs()).length
  await eventually(async () => (await jobs())[0]?.locked_at === null)
  assert.equal((await jobs())[0]?.last_error, 'no use')
  await deleteFailedJobs(pool)
  assert.equal(await kept(), 1)
  await pool.query(
    `UPDATE graphile_worker._private_jobs SET run_at = now() - $1 * interval '1 day'`,
    [JOB_FAILED_KEPT_DAYS + 1],
  )
  await deleteFailedJobs(pool)
  assert.equal(await kept(), 0)
})

test('what would fail for ever is tried once', async (t) => {
  let tries = 0
  const { logged } = worker(t, {
    tasks: {
      async refused() {
        tries += 1
        throw new PermanentFailure('nobody there')
      },
    },
  })
  await addJob(pool, 'refused', {})
  await eventually(() => logged('to try again would not help').length === 1)
  await eventually(noJobs)
  assert.equal(tries, 1)
})

test('a job that hangs is cut off, and tried again', async (t) => {
  let tries = 0
  const { logged } = worker(t, {
    jobMsMax: 50,
    tasks: {
      async hanging() {
        tries += 1
        if (tries === 1) await new Promise(() => undefined)
      },
    },
  })
  await addJob(pool, 'hanging', {})
  await eventually(() => logged('a job failed').length === 1)
  await eventually(async () => {
    await hurry()
    return tries === 2
  })
  await eventually(noJobs)
})

test('a job under the key of one that waits takes its place', async (t) => {
  for (const n of [1, 2, 3]) await addJob(pool, 'note', { n }, { jobKey: 'same' })
  const { done } = worker(t)
  await eventually(noJobs)
  assert.deepEqual(done, [3])
})

test('a job under the key of one that runs follows it', async (t) => {
  const began: number[] = []
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  worker(t, {
    tasks: {
      async gated(payload) {
        began.push((payload as { n: number }).n)
        await gate
      },
    },
  })
  await addJob(pool, 'gated', { n: 1 }, { jobKey: 'gated' })
  await eventually(() => began.length === 1)
  await addJob(pool, 'gated', { n: 2 }, { jobKey: 'gated' })
  await eventually(() => began.length === 2)
  open()
  await eventually(noJobs)
  assert.deepEqual(began, [1, 2])
})

test('of several nodes one does each job', async (t) => {
  const nodes = [worker(t), worker(t), worker(t)]
  await Promise.all(Array.from({ length: 60 }, (_, n) => addJob(pool, 'note', { n })))
  await eventually(noJobs)
  const all = nodes.flatMap(({ done }) => done)
  assert.deepEqual(
    all.sort((a, b) => a - b),
    Array.from({ length: 60 }, (_, n) => n),
  )
})

test('who stops finishes the job under way, and begins no other', async (t) => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  let began = false
  const node = worker(t, {
    tasks: {
      async gated() {
        began = true
        await gate
        node.done.push(1)
      },
    },
  })
  await addJob(pool, 'gated', {})
  await eventually(() => began)
  const stopped = node.stop()
  open()
  await stopped
  await addJob(pool, 'note', { n: 2 })
  assert.deepEqual(node.done, [1])
  assert.equal((await jobs()).length, 1)
  const other = worker(t)
  await eventually(noJobs)
  assert.deepEqual(other.done, [2])
})

test('the job of a node that was killed is done by another', async (t) => {
  const killed = await startChild(t)
  await addJob(pool, 'note', { n: 7 })
  assert.deepEqual(JSON.parse(await firstLine(killed)), { n: 7 })
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await pool.query(
    `UPDATE graphile_worker._private_jobs SET locked_at = now() - interval '3 seconds'`,
  )
  const { done, logged } = worker(t, { heldMsMax: 2_000, upkeepSeconds: 0.1 })
  await eventually(() => done.includes(7))
  assert.equal(logged('taking over the jobs').length, 1)
  await eventually(noJobs)
})

test('a job that takes long is not taken for one of a node that is gone', async (t) => {
  let began = 0
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const node = worker(t, {
    upkeepSeconds: 0.05,
    tasks: {
      async gated() {
        began += 1
        await gate
      },
    },
  })
  await addJob(pool, 'gated', {})
  await eventually(() => began === 1)
  assert.deepEqual(await readLostWorkers(pool, JOB_HELD_MS_MAX), [])
  assert.deepEqual(node.logged('taking over'), [])
  open()
  await eventually(noJobs)
})

test('while the database cannot be reached jobs wait; then they are done, also those that had begun', async (t) => {
  const proxy = await proxyTo(database.url)
  t.after(() => proxy.close())
  const { promise: gate, resolve: open } = Promise.withResolvers<void>()
  const began: number[] = []
  const node = worker(t, {
    databaseUrl: proxy.url,
    tasks: {
      async gated(payload) {
        began.push((payload as { n: number }).n)
        await gate
      },
    },
  })
  await addJob(pool, 'gated', { n: 1 })
  await eventually(() => began.length === 1)
  await proxy.cut()
  // It ends while nobody can be told so: it is done at least once.
  open()
  await eventually(() => node.logged('the workers for jobs ended').length > 0)
  await addJob(pool, 'note', { n: 2 })
  await proxy.restore()
  await eventually(() => node.done.includes(2) && began.length === 2)
  await eventually(noJobs)
})

test('workers that start while the database is away work once it is there', async (t) => {
  const proxy = await proxyTo(database.url)
  t.after(() => proxy.close())
  await proxy.cut()
  const node = worker(t, { databaseUrl: proxy.url })
  await eventually(() => node.logged('the workers for jobs ended').length > 0)
  await proxy.restore()
  await addJob(pool, 'note', { n: 1 })
  await eventually(() => node.done.includes(1))
})

test('connections that break again and again stop no node, and leave no job undone', async (t) => {
  const proxy = await proxyTo(database.url)
  t.after(() => proxy.close())
  // A worker that was given a job and did not hear of it holds that one until it counts as lost.
  const node = worker(t, { databaseUrl: proxy.url, heldMsMax: 2_000, upkeepSeconds: 0.2 })
  let all = 0
  for (let round = 0; round < 6; round += 1) {
    await Promise.all(
      Array.from({ length: 10 }, () => {
        all += 1
        return addJob(pool, 'note', { n: all })
      }),
    )
    await eventually(() => new Set(node.done).size > all - 9)
    await proxy.cut()
    await proxy.restore()
  }
  await eventually(noJobs)
  assert.equal(new Set(node.done).size, all)
})

test('a database that is killed and comes back finds its jobs done', async (t) => {
  const folder = testFolder(t)
  const quiet = { info() {}, warn() {}, error() {} }
  const embedded = await startEmbeddedPostgres({ ...folder, log: quiet })
  t.after(() => embedded.stop())
  const own = createPool(embedded.url, () => undefined)
  t.after(() => own.end())
  await migrate(own)
  const node = worker(t, { databaseUrl: embedded.url })
  await addJob(own, 'note', { n: 1 })
  await eventually(() => node.done.includes(1))
  for (const n of [2, 3]) {
    const cluster = clusterOf(folder.dataDir)
    const before = postmasterPid(cluster)
    process.kill(before, 'SIGKILL')
    await eventually(() => pidIn(cluster) !== before)
    await eventually(() =>
      addJob(own, 'note', { n }).then(
        () => true,
        () => false,
      ),
    )
    await eventually(() => node.done.includes(n))
  }
})

/** Null while there is no server. */
function pidIn(cluster: string): number | null {
  try {
    return postmasterPid(cluster)
  } catch {
    return null
  }
}

const ERROR = 50
type Line = { level: number; msg: string; err?: { message: string } }
type Node = {
  done: number[]
  logged(part: string): Line[]
  stop(): Promise<void>
}

/** A node that notes what it does. It ends with the test. */
function worker(t: TestContext, more: Partial<JobsWorkerOptions> = {}): Node {
  const done: number[] = []
  const lines: Line[] = []
  const note: Task = async (payload) => void done.push((payload as { n: number }).n)
  const log: Logger = pino({ level: 'debug' }, { write: (text) => lines.push(JSON.parse(text)) })
  const jobsWorker = startJobs({
    databaseUrl: database.url,
    log,
    ...more,
    tasks: { note, ...more.tasks },
  })
  let stopped: Promise<void> | null = null
  const stop = () => {
    stopped ??= jobsWorker.stop()
    return stopped
  }
  t.after(async () => {
    await stop()
    // What one test leaves undone must not keep the others waiting.
    await pool.query('DELETE FROM graphile_worker._private_jobs')
  })
  return { done, stop, logged: (part) => lines.filter(({ msg }) => msg.includes(part)) }
}

type JobRow = { last_error: string | null; locked_at: Date | null }

async function jobs(): Promise<JobRow[]> {
  return (await pool.query<JobRow>('SELECT last_error, locked_at FROM graphile_worker.jobs')).rows
}

/** Whoever waits in vain is told for what. */
async function eventually(probe: () => boolean | Promise<boolean>): Promise<void> {
  await until(String(probe), probe)
}

async function noJobs(): Promise<boolean> {
  return (await jobs()).length === 0
}

/** What waits to be tried again need not wait here. */
async function hurry(): Promise<void> {
  await pool.query(
    'UPDATE graphile_worker._private_jobs SET run_at = now() WHERE locked_at IS NULL',
  )
}

async function untilDone(done: number[], n: number): Promise<void> {
  await eventually(async () => {
    await hurry()
    return done.includes(n)
  })
}

async function startChild(t: TestContext): Promise<ChildProcess> {
  const script = join(import.meta.dirname, '../../test/start-jobs.ts')
  const child = spawn(process.execPath, [script, database.url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => void child.kill('SIGKILL'))
  return child
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = await once(createInterface({ input: child.stdout! }), 'line')
  return line
}
