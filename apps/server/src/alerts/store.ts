import type { AlertType } from '@tollgate/contract'
import { onlyRow, type Queryable } from '../db/pool.ts'
import type { AlertRule, Raised } from './types.ts'

type AlertRuleRow = {
  tenant_no: number
  alert_id: string
  type: AlertType
  threshold: string
  window_minutes: number | null
  enabled: boolean
  notify_email: boolean
  created_at: number
  raised_for: string | null
  raised_seq: bigint | null
  raised_at: number | null
}

const RULE = `r.tenant_no, r.alert_id, r.type, r.threshold, r.window_minutes, r.enabled, r.notify_email,
  r.created_at, r.raised_for, r.raised_seq, r.raised_at`

function ruleFromRow(row: AlertRuleRow): AlertRule {
  return {
    tenantNo: row.tenant_no,
    alertId: row.alert_id,
    type: row.type,
    threshold: Number(row.threshold),
    windowMinutes: row.window_minutes,
    enabled: row.enabled,
    notifyEmail: row.notify_email,
    createdAt: row.created_at,
    raised:
      row.raised_seq === null
        ? null
        : { occasion: row.raised_for!, seq: Number(row.raised_seq), at: row.raised_at! },
  }
}

/** Those that were set first come first. */
export async function readRules(db: Queryable, tenantNo: number): Promise<AlertRule[]> {
  const { rows } = await db.query<AlertRuleRow>({
    name: 'read_alert_rules',
    text: `SELECT ${RULE} FROM alert_rule AS r WHERE tenant_no = $1 ORDER BY created_at, alert_id`,
    values: [tenantNo],
  })
  return rows.map(ruleFromRow)
}

/** Until the transaction ends, nobody else adds alerts of this tenant. @returns its public id */
export async function lockAlertsOf(db: Queryable, tenantNo: number): Promise<string> {
  const locked = await db.query<{ tenant_id: string }>(
    'SELECT tenant_id FROM tenant WHERE tenant_no = $1 FOR UPDATE',
    [tenantNo],
  )
  return onlyRow(locked).tenant_id
}

export type RuleToWrite = Omit<AlertRule, 'tenantNo' | 'raised'>

/** One that was there keeps for what it was raised; it is looked at anew. */
export async function writeRule(
  db: Queryable,
  tenantNo: number,
  rule: RuleToWrite,
): Promise<AlertRule> {
  const written = await db.query<AlertRuleRow>(
    `INSERT INTO alert_rule AS r (tenant_no, alert_id, type, threshold, window_minutes, enabled,
       notify_email, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (tenant_no, alert_id) DO UPDATE SET enabled = $6, notify_email = $7, checked_seq = 0,
       checked_at = '-infinity'
     RETURNING ${RULE}`,
    [
      tenantNo,
      rule.alertId,
      rule.type,
      rule.threshold,
      rule.windowMinutes,
      rule.enabled,
      rule.notifyEmail,
      new Date(rule.createdAt),
    ],
  )
  return ruleFromRow(onlyRow(written))
}

/** @returns whether it was there */
export async function deleteRule(
  db: Queryable,
  tenantNo: number,
  alertId: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    'DELETE FROM alert_rule WHERE tenant_no = $1 AND alert_id = $2',
    [tenantNo, alertId],
  )
  return rowCount === 1
}

export type DueRule = { rule: AlertRule; lastSeq: number }
export type RulePlace = { tenantNo: number; alertId: string }

/** Rules of logs that have grown since they were looked at, behind a place in their order. */
export async function readDueRules(
  db: Queryable,
  { tenantNo, alertId }: RulePlace,
  { limit, errorRateSeconds }: { limit: number; errorRateSeconds: number },
): Promise<DueRule[]> {
  const { rows } = await db.query<AlertRuleRow & { last_seq: bigint }>({
    name: 'read_due_alert_rules',
    text: `SELECT ${RULE}, a.last_seq FROM alert_rule AS r JOIN account AS a USING (tenant_no)
      WHERE r.enabled AND a.last_seq > r.checked_seq
        AND (r.type <> 'error_rate' OR r.checked_at <= now() - $4 * interval '1 second')
        AND (r.tenant_no, r.alert_id) > ($1, $2)
      ORDER BY r.tenant_no, r.alert_id LIMIT $3`,
    values: [tenantNo, alertId, limit, errorRateSeconds],
  })
  return rows.map((row) => ({ rule: ruleFromRow(row), lastSeq: Number(row.last_seq) }))
}

/** What comes behind these lines makes them due again. */
export async function markChecked(db: Queryable, checked: readonly DueRule[]): Promise<void> {
  await db.query({
    name: 'mark_alert_rules_checked',
    text: `UPDATE alert_rule AS r SET checked_seq = c.seq, checked_at = now()
      FROM unnest($1::int4[], $2::text[], $3::int8[], $4::timestamptz[]) AS c (tenant_no, alert_id, seq, created_at)
      WHERE r.tenant_no = c.tenant_no AND r.alert_id = c.alert_id AND r.checked_seq < c.seq
        AND r.created_at = c.created_at`,
    values: [
      checked.map(({ rule }) => rule.tenantNo),
      checked.map(({ rule }) => rule.alertId),
      checked.map(({ lastSeq }) => lastSeq),
      checked.map(({ rule }) => new Date(rule.createdAt)),
    ],
  })
}

/** What the transaction holds it lets go after so many seconds, if its node is cut off. */
export async function limitHolding(db: Queryable, seconds: number): Promise<void> {
  await db.query({
    name: 'limit_holding',
    text: `SELECT set_config('idle_in_transaction_session_timeout', $1, true)`,
    values: [`${seconds}s`],
  })
}

/**
 * As it stands; until the transaction ends, nobody else raises, changes or ends it.
 * @returns null: it is not to be raised any more
 */
export async function holdRule(
  db: Queryable,
  { tenantNo, alertId, createdAt }: Pick<AlertRule, 'tenantNo' | 'alertId' | 'createdAt'>,
): Promise<AlertRule | null> {
  const { rows } = await db.query<AlertRuleRow>(
    `SELECT ${RULE} FROM alert_rule AS r
     WHERE tenant_no = $1 AND alert_id = $2 AND created_at = $3 AND enabled FOR UPDATE`,
    [tenantNo, alertId, new Date(createdAt)],
  )
  return rows[0] === undefined ? null : ruleFromRow(rows[0])
}

/** Of a rule that is held. */
export async function markRaised(
  db: Queryable,
  { tenantNo, alertId }: AlertRule,
  { occasion, seq, at }: Raised,
): Promise<void> {
  await db.query(
    `UPDATE alert_rule SET raised_for = $3, raised_seq = $4, raised_at = $5
     WHERE tenant_no = $1 AND alert_id = $2`,
    [tenantNo, alertId, occasion, seq, new Date(at)],
  )
}

/** The lowest percent of the quota of which a tenant wants to be told. */
export async function readQuotaAlert(db: Queryable, tenantNo: number): Promise<number | null> {
  const lowest = await db.query<{ threshold: string | null }>({
    name: 'read_quota_alert',
    text: `SELECT min(threshold) AS threshold FROM alert_rule
      WHERE tenant_no = $1 AND type = 'quota_threshold' AND enabled`,
    values: [tenantNo],
  })
  const { threshold } = onlyRow(lowest)
  return threshold === null ? null : Number(threshold)
}
