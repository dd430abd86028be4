import type pg from 'pg'
import type { AppendAudit } from '../db/append-audit.ts'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { AuditEntry } from '../lib/audit-entry.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problem-error.ts'
import type { CatalogDiff } from './catalog-diff.ts'
import { plansAudit, rulesAudit } from './change-audit.ts'
import type { PlanDefinitions, ServiceDefinition } from './schema.ts'
import { readLatestPlanVersions } from './store.ts'
import { morePlans, rulesOfService, withoutPlan, writeChange } from './write-change.ts'

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

/**
 * Takes a plan from the offer. One that is not on offer any more stays so, and the audit log is told
 * nothing.
 * @throws ProblemError not_found, invalid_request for the last plan on offer
 */
export async function withdrawPlan(
  deps: ChangeDependencies,
  actor: Actor,
  plan: string,
): Promise<CatalogDiff> {
  return inTransaction(deps.pool, async (db) => {
    await checkKnown(db, plan)
    const written = await writeChange(db, withoutPlan(plan))
    await tell(deps, db, actor, plansAudit('plans.changed', written))
    return written.diff
  })
}

/** @throws ProblemError not_found for a plan that there never was */
export async function checkKnown(db: Queryable, plan: string): Promise<void> {
  const known = await readLatestPlanVersions(db)
  if (!known.some((row) => row.plan === plan)) throw new ProblemError('not_found')
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
