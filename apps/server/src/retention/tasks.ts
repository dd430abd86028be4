import type { Logger } from 'pino'
import { z } from 'zod'
import { addJob, type Tasks } from '../db/jobs.ts'
import type { Queryable } from '../db/pool.ts'
import { monotonicMs } from '../lib/clock.ts'
import { RETENTION_RUN_MS_MAX, RETENTION_TENANTS_PER_READ } from '../limits.ts'
import { applyRetention, type RetentionDependencies } from './apply-retention.ts'
import { archiveFirst } from './archive/archive-first.ts'
import { retirePartitions } from './retire-partitions.ts'
import { readTenantsToCut } from './store.ts'

export type RetentionTaskDependencies = Omit<RetentionDependencies, 'archivedUntil'> & {
  log: Logger
  /** Where lines must be before they go. Null: nowhere. */
  archiveDir: string | null
}

const payloadSchema = z.object({ after_tenant_no: z.number().int() })

// One at a time: one that waits is replaced, one that runs is followed.
const JOB = { jobKey: 'apply_retention' }

/** Has the next free node look for what is past retention. */
export async function askForRetention(db: Queryable, afterTenantNo = 0): Promise<void> {
  await addJob(db, 'apply_retention', { after_tenant_no: afterTenantNo }, JOB)
}

/** One tenant after the other, since nothing waits for it. A run that takes long goes on in another job. */
export function retentionTasks(deps: RetentionTaskDependencies): Tasks {
  return {
    async apply_retention(payload) {
      let { after_tenant_no: afterNo } = payloadSchema.parse(payload)
      const until = monotonicMs() + RETENTION_RUN_MS_MAX
      const mayGoOn = () => monotonicMs() < until
      const archived = await archiveFirst(deps, mayGoOn)
      if (!archived.done) return askForRetention(deps.pool, afterNo)
      for (;;) {
        const tenantNos = await readTenantsToCut(deps.pool, afterNo, RETENTION_TENANTS_PER_READ)
        if (tenantNos.length === 0) return retirePartitions(deps)
        for (const tenantNo of tenantNos) {
          if (!(await applyToOne({ ...deps, ...archived }, tenantNo, mayGoOn))) {
            return askForRetention(deps.pool, afterNo)
          }
          afterNo = tenantNo
        }
      }
    },
  }
}

/** What goes wrong with one keeps no other from its turn: nothing of it is deleted, and somebody is told. */
async function applyToOne(
  deps: RetentionDependencies & { log: Logger },
  tenantNo: number,
  mayGoOn: () => boolean,
): Promise<boolean> {
  try {
    return await applyRetention(deps, tenantNo, mayGoOn)
  } catch (err) {
    deps.log.error({ tenantNo, err }, 'what is past retention could not be deleted')
    return true
  }
}
