import { drive } from './pace.ts'
import type { LoadPlan } from './plan.ts'

/** The load process: one plan in, one result out, over the channel to the process that forked it. */
process.once('message', async (plan) => {
  answer(
    await drive(plan as LoadPlan).then(
      (tally) => ({ result: tally.result() }),
      (error: Error) => ({ error: error.message }),
    ),
  )
})

function answer(message: object): void {
  process.send?.(message, undefined, undefined, () => process.disconnect?.())
}
