import { JOB_ATTEMPTS_MAX, JOB_FAILED_KEPT_DAYS } from '../limits.ts'
import type { Queryable } from './pool.ts'

/** Done at least once: a node that dies in the middle leaves its job to be done again. */
export type Task = (payload: unknown) => Promise<void>
export type Tasks = Readonly<Record<string, Task>>

export type JobOptions = {
  /** A job that waits under the same key is replaced; one that runs is not, and this one follows it. */
  jobKey?: string
  maxAttempts?: number
  /** Of what there may be thousands at once: everything else goes first. */
  bulk?: boolean
}

/** What has a lower number goes first. */
const BULK_PRIORITY = 10

/** Within the caller's transaction: the job exists if that commits, and begins right after. */
export async function addJob(
  db: Queryable,
  task: string,
  payload: object,
  options: JobOptions = {},
): Promise<void> {
  await db.query(
    `SELECT FROM graphile_worker.add_job(
       identifier => $1::text, payload => $2::json, job_key => $3::text, max_attempts => $4::int,
       priority => $5::int)`,
    [
      task,
      JSON.stringify(payload),
      options.jobKey ?? null,
      options.maxAttempts ?? JOB_ATTEMPTS_MAX,
      options.bulk ? BULK_PRIORITY : 0,
    ],
  )
}

/** Workers that hold a job longer than a job may take, by the database's clock: they are gone. */
export async function readLostWorkers(db: Queryable, heldMs: number): Promise<string[]> {
  const { rows } = await db.query<{ worker_id: string }>(
    `SELECT DISTINCT locked_by AS worker_id FROM graphile_worker.jobs
     WHERE locked_by IS NOT NULL AND locked_at < now() - $1 * interval '1 millisecond'`,
    [heldMs],
  )
  return rows.map((row) => row.worker_id)
}

/** Gives back to all what workers that are gone had begun. */
export async function unlockJobsOf(db: Queryable, workerIds: string[]): Promise<void> {
  await db.query('SELECT FROM graphile_worker.force_unlock_workers($1::text[])', [workerIds])
}

/** Jobs that were given up stay for a while, for people to look at. */
export async function deleteFailedJobs(db: Queryable): Promise<void> {
  await db.query(
    `SELECT FROM graphile_worker.complete_jobs(ARRAY(
       SELECT id FROM graphile_worker.jobs
       WHERE attempts >= max_attempts AND locked_at IS NULL
         AND run_at < now() - $1 * interval '1 day'))`,
    [JOB_FAILED_KEPT_DAYS],
  )
}
