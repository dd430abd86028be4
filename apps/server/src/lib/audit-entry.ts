import type { Actor } from './caller.ts'

/** What somebody changed, as the audit log tells it. Never a secret, nor a hash of one. */
export type AuditEntry = {
  /** Whose chain it belongs to; null: the operator's own. */
  readonly tenantNo: number | null
  /** What was done to what: `member.role_changed`. */
  readonly action: string
  readonly object: { readonly kind: string; readonly id: string | null }
  readonly before?: object | null
  readonly after?: object | null
  /** The line of the tenant's log that it is about: told once, however often its request is repeated. */
  readonly logSeq?: number | null
  /** ms */
  readonly recordedAt: number
}

/** Whoever sits at the machine and runs a command. */
export const COMMAND_LINE: Actor = {
  kind: 'command_line',
  id: null,
  address: null,
  requestId: null,
}
/** Tollgate itself. */
export const SYSTEM: Actor = { kind: 'system', id: null, address: null, requestId: null }

/** Writes down what a log has committed already, in a transaction of its own. */
export type RecordAudit = (actor: Actor, entry: Omit<AuditEntry, 'recordedAt'>) => Promise<void>
