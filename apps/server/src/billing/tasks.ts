import type { Logger } from 'pino'
import { addJob, type Tasks } from '../db/jobs.ts'
import type { Queryable } from '../db/pool.ts'
import { accountAt } from '../ledger/readings.ts'
import { monotonicMs } from '../lib/clock.ts'
import { BILLING_RUN_MS_MAX, BILLING_TENANTS_AT_ONCE, BILLING_TENANTS_PER_READ } from '../limits.ts'
import type { CollectingDependencies } from './collecting/request-payment.ts'
import { collectingTasks } from './collecting/tasks.ts'
import { type ClosingDependencies, closePeriods, putOff } from './invoices/close-periods.ts'
import { type LetterDependencies, letterTasks } from './letters/tasks.ts'
import { foldUsage } from './usage/fold.ts'
import { readBehind, readDue } from './usage/store.ts'

export type BillingTaskDependencies = ClosingDependencies & { log: Logger }

/** What follows from an invoice: its e-mail, and its payment. */
export function invoiceTasks(deps: CollectingDependencies & LetterDependencies): Tasks {
  return { ...collectingTasks(deps), ...letterTasks(deps) }
}

/** What is done every minute by one node, whoever asks: close what has ended, fold what has come. */
export function billingTasks(deps: BillingTaskDependencies): Tasks {
  return {
    async close_periods() {
      const due = () => readDue(deps.pool, deps.clock.now(), BILLING_TENANTS_PER_READ)
      if (!(await eachOf(deps, due, closeOne))) await addJob(deps.pool, 'close_periods', {}, CLOSE)
    },
    async fold_usage() {
      const behind = () => readBehind(deps.pool, BILLING_TENANTS_PER_READ)
      if (!(await eachOf(deps, behind, foldOne))) await addJob(deps.pool, 'fold_usage', {}, FOLD)
    },
  }
}

// One job of a kind at a time: one that waits is replaced, one that runs is followed.
const CLOSE = { jobKey: 'close_periods' }
const FOLD = { jobKey: 'fold_usage' }

/** Has the next free node look for what is to be billed. */
export async function askForBilling(db: Queryable): Promise<void> {
  await addJob(db, 'close_periods', {}, CLOSE)
  await addJob(db, 'fold_usage', {}, FOLD)
}

async function closeOne(deps: BillingTaskDependencies, tenantNo: number): Promise<void> {
  try {
    await closePeriods(deps, tenantNo)
  } catch (error) {
    deps.log.error(
      { tenantNo, err: error },
      'a period could not be closed; it is tried again later',
    )
    await putOff(deps, tenantNo)
  }
}

async function foldOne(deps: BillingTaskDependencies, tenantNo: number): Promise<void> {
  const { pool, catalog, clock } = deps
  try {
    const { now } = await accountAt(pool, catalog, tenantNo, clock.now())
    await foldUsage({ pool, catalog }, tenantNo, now)
  } catch (error) {
    deps.log.error({ tenantNo, err: error }, 'usage could not be measured; it is tried again later')
  }
}

/**
 * Reads whose turn it is until nobody's is, and does so many at once. A tenant that was done already
 * in this run is left to the next, so a run ends; one that takes long goes on in another job.
 * @returns false: there is more to do
 */
async function eachOf(
  deps: BillingTaskDependencies,
  read: () => Promise<number[]>,
  work: (deps: BillingTaskDependencies, tenantNo: number) => Promise<void>,
): Promise<boolean> {
  const until = monotonicMs() + BILLING_RUN_MS_MAX
  const done = new Set<number>()
  for (;;) {
    const turn = (await read()).filter((tenantNo) => !done.has(tenantNo))
    if (turn.length === 0) return true
    const queue = [...turn]
    const worker = async () => {
      for (;;) {
        const tenantNo = monotonicMs() < until ? queue.shift() : undefined
        if (tenantNo === undefined) return
        done.add(tenantNo)
        await work(deps, tenantNo)
      }
    }
    await Promise.all(Array.from({ length: BILLING_TENANTS_AT_ONCE }, worker))
    if (monotonicMs() >= until) return false
  }
}
