import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  Logger as GraphileLogger,
  runTaskList,
  type WorkerEvents,
  type WorkerPool,
} from 'graphile-worker'
import type pg from 'pg'
import type { Logger } from 'pino'
import {
  deleteFailedJobs,
  readLostWorkers,
  type Task,
  type Tasks,
  unlockJobsOf,
} from '../db/jobs.ts'
import { createJobsPool, JOBS_SCHEMA } from '../db/jobs-pool.ts'
import { connectionOptions } from '../db/pool.ts'
import { PermanentFailure } from '../lib/permanent-failure.ts'
import {
  JOB_HELD_MS_MAX,
  JOB_MS_MAX,
  JOBS_CONCURRENT_MAX,
  JOBS_POLL_MS,
  JOBS_RESTART_MS,
  JOBS_STOP_MS_MAX,
  JOBS_UPKEEP_SECONDS,
} from '../limits.ts'

export type JobsWorker = {
  /** Begins no more jobs, and waits for those under way; what takes too long is left to be done again. */
  stop(): Promise<void>
}

export type JobsWorkerOptions = {
  databaseUrl: string
  tasks: Tasks
  log: Logger
  /** Other than usual, for tests. */
  jobMsMax?: number
  heldMsMax?: number
  upkeepSeconds?: number
}

/** Does the jobs that rooms have added, beside the other nodes. */
export function startJobs(options: JobsWorkerOptions): JobsWorker {
  const { databaseUrl, log } = options
  const pool = createJobsPool({
    ...connectionOptions(databaseUrl),
    max: JOBS_CONCURRENT_MAX + CONNECTIONS_BESIDES_JOBS,
  })
  const stopping = new AbortController()
  const stopUpkeep = startUpkeep(pool, options)
  const running = keepRunning(pool, options, stopping.signal)
  return {
    async stop() {
      stopUpkeep()
      stopping.abort()
      await running
      await pool.end().catch((error: unknown) => log.warn({ err: error }, 'ending jobs failed'))
    },
  }
}

/** One listens for new jobs, and one is for upkeep. */
const CONNECTIONS_BESIDES_JOBS = 2

/**
 * Without batches graphile-worker 0.17 does not wait for its note that a job is done, and one that fails
 * ends the process as a rejection that nobody handles. A batch that fails ends the pool of workers.
 */
const SAFE_COMPLETION = { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } }

/** A pool of workers that could not write down what became of a job ends itself; then the next begins. */
async function keepRunning(
  pool: pg.Pool,
  { tasks, log, jobMsMax }: JobsWorkerOptions,
  stopping: AbortSignal,
): Promise<void> {
  const taskList = Object.fromEntries(
    Object.entries(tasks).map(([name, task]) => [name, bounded(task, name, log, jobMsMax)]),
  )
  const graphile = {
    schema: JOBS_SCHEMA,
    concurrency: JOBS_CONCURRENT_MAX,
    pollInterval: JOBS_POLL_MS,
    noHandleSignals: true,
    logger: graphileLogger(log),
    preset: SAFE_COMPLETION,
  }
  while (!stopping.aborted) {
    const events = loggedEvents(log)
    const useless = untilUseless(events)
    const workers = runTaskList({ ...graphile, events }, taskList, pool)
    await untilEndOf(workers, useless, stopping)
    if (stopping.aborted) return
    log.warn('the workers for jobs ended; starting others')
    await unlockWhatTheyHeld(pool, workers.id, stopping)
  }
}

/**
 * When a pool of workers is of no more use. Of graphile-worker 0.17's own promise this cannot be learned:
 * it may wait for ever for a note that a job is done. Nor does a pool whose first question for its tasks
 * fails ever get a job: it keeps that answer.
 */
function untilUseless(events: WorkerEvents): Promise<void> {
  return new Promise((resolve) => {
    let works = false
    const worked = () => {
      works = true
    }
    events.once('worker:getJob:empty', worked)
    events.once('job:start', worked)
    events.on('worker:getJob:error', () => works || resolve())
    events.once('pool:gracefulShutdown', () => resolve())
  })
}

async function untilEndOf(
  workers: WorkerPool,
  useless: Promise<void>,
  stopping: AbortSignal,
): Promise<void> {
  // It rejects with what was logged when it happened.
  const ended = workers.promise.catch(() => undefined)
  await Promise.race([ended, useless, aborted(stopping)])
  const outOfTime = sleep(JOBS_STOP_MS_MAX, 'late')
  Promise.resolve(workers.gracefulShutdown()).catch(() => undefined)
  if ((await Promise.race([ended, outOfTime])) !== 'late') return
  const forceful = workers.forcefulShutdown('Its workers are to end')
  await Promise.race([Promise.resolve(forceful).catch(() => undefined), sleep(JOBS_STOP_MS_MAX)])
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Their jobs would otherwise wait until they count as lost. */
async function unlockWhatTheyHeld(
  pool: pg.Pool,
  workerId: string,
  stopping: AbortSignal,
): Promise<void> {
  while (!stopping.aborted) {
    const unlocked = await unlockJobsOf(pool, [workerId]).then(
      () => true,
      () => false,
    )
    if (unlocked) return
    await sleep(JOBS_RESTART_MS, undefined, { signal: stopping }).catch(() => undefined)
  }
}

/** A job that hangs must not keep its worker, and must not be taken for a lost one either. */
function bounded(task: Task, name: string, log: Logger, msMax = JOB_MS_MAX): Task {
  return async (payload) => {
    const outOfTime = new AbortController()
    const late = sleep(msMax, undefined, { signal: outOfTime.signal }).then(() => {
      throw new Error(`took longer than ${msMax} ms`)
    })
    late.catch(() => undefined)
    try {
      await Promise.race([task(payload), late])
    } catch (error) {
      if (!(error instanceof PermanentFailure)) throw error
      log.error({ task: name, err: error }, 'a job was given up: to try again would not help')
    } finally {
      outOfTime.abort()
    }
  }
}

/** Every so often: jobs of nodes that died are free again, and those long given up go. */
function startUpkeep(
  pool: pg.Pool,
  {
    log,
    heldMsMax = JOB_HELD_MS_MAX,
    upkeepSeconds = JOBS_UPKEEP_SECONDS,
  }: Pick<JobsWorkerOptions, 'log' | 'heldMsMax' | 'upkeepSeconds'>,
): () => void {
  const upkeep = async () => {
    const lost = await readLostWorkers(pool, heldMsMax)
    if (lost.length > 0) {
      log.warn({ workers: lost }, 'taking over the jobs of workers that are gone')
      await unlockJobsOf(pool, lost)
    }
    await deleteFailedJobs(pool)
  }
  const run = () =>
    void upkeep().catch((error: unknown) => log.warn({ err: error }, 'upkeep of jobs failed'))
  run()
  const timer = setInterval(run, upkeepSeconds * 1_000).unref()
  return () => clearInterval(timer)
}

function loggedEvents(log: Logger): WorkerEvents {
  const events: WorkerEvents = new EventEmitter()
  events.on('job:error', ({ job, error }) => {
    const { task_identifier: task, attempts, max_attempts: attemptsMax } = job
    log.warn({ task, attempts, attemptsMax, err: error }, 'a job failed')
  })
  events.on('job:failed', ({ job, error }) => {
    log.error({ task: job.task_identifier, err: error }, 'a job was given up')
  })
  return events
}

/** What a failed job says twice is left out; whatever else goes wrong in there is tried again. */
function graphileLogger(log: Logger): GraphileLogger {
  return new GraphileLogger(() => (level, message, meta) => {
    if (meta?.failure === true) return
    const ours = level === 'error' || level === 'warning' ? 'warn' : 'debug'
    log[ours]({ part: 'jobs' }, message)
  })
}
