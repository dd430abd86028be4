import { numberFromMicros } from '../lib/micros.ts'
import { periodAt } from '../lib/periods.ts'
import { KEY_LIMITS_PER_TENANT_MAX } from '../limits.ts'
import { withCredits } from './account.ts'
import { withKeyLimit } from './key-usage.ts'
import { withMoreAllowance } from './lapse.ts'
import { PLAIN_LINE, type Step } from './step.ts'
import { subscriptionRefusal, testClockRefusal } from './subscription.ts'
import type { Account, AccountChange, Command, Pending } from './types.ts'

/** Says in a line that the running period stayed as it was: lines that do not say so moved its end. */
export const ZONE_FROM = 'next_period'

/** What is agreed with a tenant, or known of it. Limits of a new plan hold from the next call on. */
export function decideChange(
  account: Account,
  { change }: Extract<Command, { kind: 'change' }>,
  now: number,
): Step {
  const refusal = testClockRefusal(account, change) ?? subscriptionRefusal(account, change)
  if (refusal !== null) return { refusal }
  const { zoneMovesEnd, keyLimit, allowance = 0n } = change
  const keyLimits = keyLimit === undefined ? account.keyLimits : withKeyLimit(account, keyLimit)
  const more = keyLimits.length > account.keyLimits.length
  if (more && keyLimits.length > KEY_LIMITS_PER_TENANT_MAX) {
    return { refusal: 'too_many_key_limits' }
  }
  let changed: Account = { ...withFields(account, change), keyLimits }
  if (allowance > 0n) changed = withMoreAllowance(changed, allowance)
  if (zoneMovesEnd) changed = withMovedEnd(changed, now)
  return {
    account: changed,
    line: { ...PLAIN_LINE, credits: allowance, detail: detailOf(change) },
    refusal: null,
  }
}

/** A plan that begins now takes the place of one that was to begin later. */
function withFields(account: Account, change: AccountChange): Account {
  const { status, planVersionNo, timeZone, region, subscription, trialEnd, testClock } = change
  const { pending = planVersionNo === undefined ? account.pending : null } = change
  const newPlan = planVersionNo !== undefined && planVersionNo !== account.planVersionNo
  return {
    ...account,
    status: status ?? account.status,
    planVersionNo: planVersionNo ?? account.planVersionNo,
    timeZone: timeZone ?? account.timeZone,
    region: region === undefined ? account.region : region,
    windows: newPlan ? [] : account.windows,
    subscription: subscription ?? account.subscription,
    pending: subscription === 'canceled' ? null : pending,
    trialEnd: trialEnd ?? account.trialEnd,
    testClock: testClock ?? account.testClock,
  }
}

/**
 * As it was once decided, and lines of that time still are: another zone moved the end of the running
 * period, and with it that of the credits it began with. A period could become a few hours long by that
 * and ask for its whole fee, so now the running period stays as it began.
 */
function withMovedEnd(account: Account, now: number): Account {
  const { allowance, period } = account
  const { end } = periodAt(account.anchor, account.timeZone, now)
  const moved: Account = { ...account, period: { start: period.start, end } }
  if (allowance === null || allowance.through !== period.end) return moved
  const grants = account.grants.map((grant) =>
    grant.seq === allowance.seq ? { ...grant, expiresAt: end } : grant,
  )
  return { ...withCredits(moved, { grants }), allowance: { ...allowance, through: end } }
}

function pendingDetail({ planVersionNo, trialDays }: Pending) {
  const detail = { plan_version_no: planVersionNo }
  return trialDays === undefined ? detail : { ...detail, trial_days: trialDays }
}

function detailOf(change: AccountChange): Record<string, unknown> {
  const { keyLimit, pending, trialEnd, testClock, allowance } = change
  const detail: Record<string, unknown> = {}
  if (change.status !== undefined) detail.status = change.status
  if (change.planVersionNo !== undefined) detail.plan_version_no = change.planVersionNo
  if (change.timeZone !== undefined) {
    detail.time_zone = change.timeZone
    if (!change.zoneMovesEnd) detail.zone_from = ZONE_FROM
  }
  if (change.region !== undefined) detail.region = change.region
  if (change.subscription !== undefined) detail.subscription = change.subscription
  if (pending !== undefined) {
    detail.pending = pending && pendingDetail(pending)
  }
  if (trialEnd !== undefined) detail.trial_end = new Date(trialEnd).toISOString()
  if (testClock !== undefined) detail.test_clock = new Date(testClock).toISOString()
  if (allowance !== undefined) detail.allowance = numberFromMicros(allowance)
  if (keyLimit !== undefined) {
    detail.key_no = keyLimit.keyNo
    detail.key_limit = keyLimit.limit === null ? null : numberFromMicros(keyLimit.limit)
  }
  return detail
}
