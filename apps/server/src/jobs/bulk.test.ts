import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { addJob } from '../db/jobs.ts'
import { createPool } from '../db/pool.ts'
import { JOBS_CONCURRENT_MAX } from '../limits.ts'
import { startJobs } from './worker.ts'

test('what there are thousands of waits for everything else', async (t) => {
  const database = await testDatabase()
  const pool = createPool(database.url, () => undefined)
  for (let n = 0; n < 50; n += 1) await addJob(pool, 'note', { n }, { bulk: true })
  await addJob(pool, 'note', { n: 99 })
  const done: number[] = []
  const note = async (payload: unknown) => void done.push((payload as { n: number }).n)
  const jobs = startJobs({
    databaseUrl: database.url,
    log: pino({ level: 'silent' }),
    tasks: { note },
  })
  t.after(async () => {
    await jobs.stop()
    await pool.end()
    await database.drop()
  })
  await until('all jobs to be done', async () => done.length === 51)
  // Several are taken at once.
  assert.ok(done.indexOf(99) < JOBS_CONCURRENT_MAX, `${done}`)
})
