import type { AlertType } from '@tollgate/contract'

/** When a tenant wants to be told. */
export type AlertRule = {
  readonly tenantNo: number
  /** Of the tenant's own: from its type and threshold. */
  readonly alertId: string
  readonly type: AlertType
  /** Percent, or calls. */
  readonly threshold: number
  /** Of an error rate; null: of no other. */
  readonly windowMinutes: number | null
  readonly enabled: boolean
  readonly notifyEmail: boolean
  /** When it was set first, ms. */
  readonly createdAt: number
  /** How it was raised last: null: never. */
  readonly raised: Raised | null
}

export type Raised = {
  /** Once for each: see `occasionOf`. */
  readonly occasion: string
  /** The line of the log that says so. */
  readonly seq: number
  /** Of that line, ms. */
  readonly at: number
}

/** What the log says of an alert, in the wire's names. */
export type AlertDetail = {
  readonly alert_id: string
  readonly type: AlertType
  readonly threshold: number
  /** What was there when it was looked at: percent, or calls. */
  readonly value: number
  /** From when on that was counted. */
  readonly since: string
}
