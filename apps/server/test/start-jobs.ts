import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { startJobs } from '../src/jobs/worker.ts'

/** A node that does jobs and nothing else, for tests to kill: says when it begins one, and never ends it. */
const [databaseUrl = ''] = process.argv.slice(2)
startJobs({
  databaseUrl,
  log: pino({ level: 'silent' }),
  tasks: {
    async note(payload) {
      console.log(JSON.stringify(payload))
      await sleep(600_000)
    },
  },
})
// The end of the test that started us, however it ended.
process.stdin.resume().once('end', () => process.exit())
