import { ALERTS_MAX, type AlertsSet, type AlertToSet } from '@tollgate/contract'
import type pg from 'pg'
import { needOf, requireFeature } from '../analytics/gate.ts'
import type { Catalog } from '../catalog/catalog.ts'
import type { AppendAudit } from '../db/append-audit.ts'
import { inTransaction, type Queryable } from '../db/pool.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { alertIdOf } from './alert-id.ts'
import { alertJson } from './list-alerts.ts'
import { deleteRule, lockAlertsOf, type RuleToWrite, readRules, writeRule } from './store.ts'
import type { AlertRule } from './types.ts'

export type AlertDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  appendAudit: AppendAudit
}

/**
 * Sets alerts; those that are not named stay as they are. One is known by what it watches for, so to set
 * it again changes whether it is enabled and whether e-mails go, and never makes a second one.
 * @param gated whether the plan binds who asks
 * @throws ProblemError invalid_request, plan_feature_required, too_many_alerts
 */
export async function setAlerts(
  deps: AlertDependencies,
  actor: Actor,
  { tenantNo, gated }: { tenantNo: number; gated: boolean },
  wanted: readonly AlertToSet[],
): Promise<AlertsSet> {
  const { pool, catalog, clock } = deps
  const { terms } = await accountAt(pool, catalog, tenantNo, clock.now())
  if (gated) requireFeature(catalog, terms, needOf('alerts'))
  const rules = wanted.map((alert) => ruleToWrite(alert, clock.now()))
  refuseTwice(rules)
  const written = await changing(deps, actor, tenantNo, async (db) => {
    const written: AlertRule[] = []
    for (const rule of rules) written.push(await writeRule(db, tenantNo, rule))
    return written
  })
  const alerts = written.map((rule) => alertJson(rule, terms.features.alerts))
  return { status: 'configured', alerts }
}

/** @throws ProblemError not_found */
export async function removeAlert(
  deps: AlertDependencies,
  actor: Actor,
  tenantNo: number,
  alertId: string,
): Promise<void> {
  await changing(deps, actor, tenantNo, async (db) => {
    if (!(await deleteRule(db, tenantNo, alertId))) throw new ProblemError('not_found')
  })
}

/** One change of a tenant's alerts at a time, told to the audit log as a whole. */
async function changing<T>(
  { pool, clock, appendAudit }: AlertDependencies,
  actor: Actor,
  tenantNo: number,
  change: (db: Queryable) => Promise<T>,
): Promise<T> {
  return inTransaction(pool, async (db) => {
    const tenantId = await lockAlertsOf(db, tenantNo)
    const before = await readRules(db, tenantNo)
    const changed = await change(db)
    const after = await readRules(db, tenantNo)
    if (after.length > ALERTS_MAX) {
      throw new ProblemError('too_many_alerts', { detail: `A tenant has at most ${ALERTS_MAX}.` })
    }
    await appendAudit(db, actor, {
      tenantNo,
      action: 'alerts.changed',
      object: { kind: 'tenant', id: tenantId },
      before: { alerts: before.map(audited) },
      after: { alerts: after.map(audited) },
      recordedAt: clock.now(),
    })
    return changed
  })
}

function audited({ alertId, enabled, notifyEmail }: AlertRule): object {
  return { id: alertId, enabled, notify_email: notifyEmail }
}

function ruleToWrite(alert: AlertToSet, now: number): RuleToWrite {
  return {
    alertId: alertIdOf(alert),
    type: alert.type,
    threshold: alert.threshold,
    windowMinutes: alert.type === 'error_rate' ? alert.window_minutes : null,
    enabled: alert.enabled,
    notifyEmail: alert.notify_email,
    createdAt: now,
  }
}

function refuseTwice(rules: readonly RuleToWrite[]): void {
  const errors = rules.flatMap(({ alertId }, index) => {
    const first = rules.findIndex((other) => other.alertId === alertId)
    if (first === index) return []
    return [{ field: `alerts[${index}]`, message: `the same as alerts[${first}]` }]
  })
  if (errors.length > 0) throw new ProblemError('invalid_request', { errors })
}
