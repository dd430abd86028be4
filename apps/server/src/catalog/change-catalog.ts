import type pg from 'pg'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { AuditEntry } from '../lib/audit-entry.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import type { CatalogDiff } from './catalog-diff.ts'
import { type AppendAudit, plansAudit, rulesAudit } from './change-audit.ts'
import type { PlanDefinitions, ServiceDefinition } from './schema.ts'
import { morePlans, rulesOfService, writeChange } from './write-change.ts'

export type ChangeDependencies = { pool: pg.Pool; clock: Clock; audit: AppendAudit }

/**
 * Adds plans, and a version to those whose terms differ. Others stay on offer. All or nothing; the
 * same again does nothing and tells the audit log nothing.
 */
export async function changePlans(
  deps: ChangeDependencies,
  actor: Actor,
  plans: PlanDefinitions,
): Promise<CatalogDiff> {
  return inTransaction(deps.pool, async (db) => {
    const written = await writeChange(db, morePlans(plans))
    await tell(deps, db, actor, plansAudit('plans.changed', written))
    return written.diff
  })
}

/** Replaces the endpoint rules of a service. */
export async function changeServiceRules(
  deps: ChangeDependencies,
  actor: Actor,
  service: string,
  definition: ServiceDefinition,
): Promise<void> {
  await inTransaction(deps.pool, async (db) => {
    const written = await writeChange(db, rulesOfService(service, definition))
    await tell(deps, db, actor, rulesAudit(service, written))
  })
}

/** Last in its transaction: whoever adds to the audit log too waits until that ends. */
export async function tell(
  { clock, audit }: Pick<ChangeDependencies, 'clock' | 'audit'>,
  db: Queryable,
  actor: Actor,
  entry: Omit<AuditEntry, 'recordedAt'> | null,
): Promise<void> {
  if (entry !== null) await audit(db, actor, { ...entry, recordedAt: clock.now() })
}
