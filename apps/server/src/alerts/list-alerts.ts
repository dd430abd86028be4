import type { Alert, Alerts } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { accountAt } from '../ledger/readings.ts'
import type { Clock } from '../lib/clock.ts'
import { readQuotaAlert, readRules } from './store.ts'
import type { AlertRule } from './types.ts'

/** Also those that a plan without alerts has left. */
export async function listAlerts(
  { pool, catalog, clock }: { pool: pg.Pool; catalog: Catalog; clock: Clock },
  tenantNo: number,
): Promise<Alerts> {
  const { terms } = await accountAt(pool, catalog, tenantNo, clock.now())
  const rules = await readRules(pool, tenantNo)
  return {
    alerts: rules.map((rule) => ({
      ...alertJson(rule, terms.features.alerts),
      window_minutes: rule.windowMinutes,
      notify_email: rule.notifyEmail,
    })),
  }
}

/** From which percent of its quota on a tenant is told, by the alerts that it has set; null: by none. */
export function quotaAlertOf(pool: pg.Pool, tenantNo: number): Promise<number | null> {
  return readQuotaAlert(pool, tenantNo)
}

/** @param hasAlerts whether the plan has them */
export function alertJson(rule: AlertRule, hasAlerts: boolean): Alert {
  const { alertId, type, threshold, raised } = rule
  return {
    id: alertId,
    type,
    threshold,
    status: statusOf(rule, hasAlerts),
    last_triggered: raised === null ? null : new Date(raised.at).toISOString(),
  }
}

function statusOf({ enabled }: AlertRule, hasAlerts: boolean): Alert['status'] {
  if (!enabled) return 'disabled'
  return hasAlerts ? 'active' : 'paused'
}
