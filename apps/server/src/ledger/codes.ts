import type { DenialReason } from '@tollgate/contract'

/** What a line of the log is. The numbers are stored: never change one, never use one again. */
export const ENTRY_KIND_CODES = {
  open: 1,
  change: 2,
  call: 3,
  report: 4,
  grant: 5,
  adjustment: 6,
  expiry: 7,
  hold: 8,
  settlement: 9,
  release: 10,
  void: 11,
  allowance: 12,
  alert: 13,
} as const
export type EntryKind = keyof typeof ENTRY_KIND_CODES

/** Why a call was denied, ordered as the checks are. Stored: never change a number, never use one again. 0 is allowed. */
export const REASON_CODES = {
  tenant_suspended: 1,
  subscription_inactive: 8,
  endpoint_not_in_plan: 2,
  premium_required: 3,
  rate_limited: 4,
  key_limit_exceeded: 7,
  quota_exceeded: 5,
  insufficient_credits: 6,
} as const satisfies Record<DenialReason, number>

const kinds = new Map(
  Object.entries(ENTRY_KIND_CODES).map(([kind, code]) => [code, kind as EntryKind]),
)
const reasons = new Map(
  Object.entries(REASON_CODES).map(([reason, code]) => [code, reason as DenialReason]),
)

export function entryKindFromCode(code: number): EntryKind {
  const kind = kinds.get(code as never)
  if (kind === undefined) throw new Error(`The log has a line of unknown kind ${code}`)
  return kind
}

export function reasonFromCode(code: number): DenialReason | null {
  if (code === 0) return null
  const reason = reasons.get(code as never)
  if (reason === undefined) throw new Error(`The log has a line with unknown reason ${code}`)
  return reason
}
