import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { CannotMeasure } from './failure.ts'
import type { LoadPlan, LoadResult } from './load/plan.ts'

const WORKER = fileURLToPath(new URL('load/worker.ts', import.meta.url))

/**
 * Runs one load plan in a process of its own, so that neither the bench nor what it measures shares a
 * thread with it. Throws when a request was refused, failed or stayed unanswered.
 */
export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const result = await inProcess(plan)
  const failed = Object.entries(result.failures)
  if (failed.length > 0) {
    const counts = failed.map(([kind, count]) => `${count} × ${kind}`).join(', ')
    throw new CannotMeasure(`Not every request was answered 200: ${counts}. ${result.firstFailure}`)
  }
  if (result.requests === 0) {
    throw new CannotMeasure('No request was answered in the measured time: try more --seconds.')
  }
  return result
}

function inProcess(plan: LoadPlan): Promise<LoadResult> {
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    child.once('message', (answer: { result?: LoadResult; error?: string }) => {
      if (answer.result !== undefined) resolve(answer.result)
      else reject(new CannotMeasure(`The load process failed: ${answer.error}`))
    })
    child.once('error', reject)
    child.once('exit', (code) => reject(new CannotMeasure(`The load process ended (${code}).`)))
    child.send(plan)
  })
}
