import { numberFromMicros } from '../lib/micros.ts'
import { periodAt } from '../lib/periods.ts'
import { KEY_LIMITS_PER_TENANT_MAX, VOID_GRANT_PRIORITY } from '../limits.ts'
import { withCredits } from './account.ts'
import { withGrant } from './credits.ts'
import { withKeyLimit, withoutVoided } from './key-usage.ts'
import { PLAIN_LINE, type Step } from './step.ts'
import type { Account, Command, PeriodCounters, VoidedCall } from './types.ts'

/**
 * Compensates a call: its credits come back as a grant that does not expire and burns first, its
 * quota, its key's too, comes back if its period still runs. The line of the call stays as it is.
 */
export function decideVoid(
  account: Account,
  { voided, reason }: Extract<Command, { kind: 'void' }>,
): Step {
  const refunded = voided.credits > 0n ? withRefund(account, voided.credits) : account
  const inPeriod = voided.recordedAt >= account.period.start
  const counters = inPeriod ? withoutCall(account.counters, voided) : account.counters
  const keyLimits = inPeriod ? withoutVoided(account.keyLimits, voided) : account.keyLimits
  return {
    account: { ...refunded, counters, keyLimits },
    line: { ...PLAIN_LINE, credits: voided.credits, detail: { voided_seq: voided.seq, reason } },
    refusal: null,
  }
}

/** Added to what earlier voids gave back: however many there are, they make one open grant. */
function withRefund(account: Account, credits: bigint): Account {
  const [priority, expiresAt] = [VOID_GRANT_PRIORITY, null]
  const alike = account.grants.findIndex(
    (grant) => grant.priority === priority && grant.expiresAt === expiresAt,
  )
  const grant = account.grants[alike]
  if (grant === undefined) return withGrant(account, { credits, priority, expiresAt })
  const added = { ...grant, remaining: grant.remaining + credits }
  return withCredits(account, { grants: account.grants.with(alike, added) })
}

/** The largest file stays: what the second largest was, an account does not know. */
function withoutCall(counters: PeriodCounters, voided: VoidedCall): PeriodCounters {
  return {
    ...counters,
    used: counters.used - voided.quantity,
    overage: counters.overage - voided.overage,
    creditsBurned: counters.creditsBurned - voided.credits,
    creditsOverage: counters.creditsOverage - voided.creditsOverage,
    failed: counters.failed - (voided.failed ? 1 : 0),
    bytes: counters.bytes - (voided.fileSizeBytes ?? 0),
  }
}

/** What an operator changes. Limits of a new plan hold from the next call on. */
export function decideChange(
  account: Account,
  { change }: Extract<Command, { kind: 'change' }>,
  now: number,
): Step {
  const { status, planVersionNo, timeZone, region, keyLimit } = change
  const keyLimits = keyLimit === undefined ? account.keyLimits : withKeyLimit(account, keyLimit)
  const more = keyLimits.length > account.keyLimits.length
  if (more && keyLimits.length > KEY_LIMITS_PER_TENANT_MAX) {
    return { refusal: 'too_many_key_limits' }
  }
  const newPlan = planVersionNo !== undefined && planVersionNo !== account.planVersionNo
  const changed: Account = {
    ...account,
    status: status ?? account.status,
    planVersionNo: planVersionNo ?? account.planVersionNo,
    timeZone: timeZone ?? account.timeZone,
    region: region === undefined ? account.region : region,
    windows: newPlan ? [] : account.windows,
    keyLimits,
  }
  const detail: Record<string, unknown> = {}
  if (status !== undefined) detail.status = status
  if (planVersionNo !== undefined) detail.plan_version_no = planVersionNo
  if (timeZone !== undefined) detail.time_zone = timeZone
  if (region !== undefined) detail.region = region
  if (keyLimit !== undefined) {
    detail.key_no = keyLimit.keyNo
    detail.key_limit = keyLimit.limit === null ? null : numberFromMicros(keyLimit.limit)
  }
  return {
    account: timeZone === undefined ? changed : inZone(changed, now),
    line: { ...PLAIN_LINE, detail },
    refusal: null,
  }
}

/** The running period keeps its beginning, so that nothing counted in it is lost; its end moves. */
function inZone(account: Account, now: number): Account {
  const { end } = periodAt(account.anchor, account.timeZone, now)
  return { ...account, period: { start: account.period.start, end } }
}
