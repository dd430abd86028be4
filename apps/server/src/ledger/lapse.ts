import { GRANT_PRIORITY_DEFAULT } from '@tollgate/contract'
import type { PlanTerms } from '../catalog/types.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { periodAfter } from '../lib/periods.ts'
import { NO_COUNTERS, withCredits } from './account.ts'
import { withGrant } from './credits.ts'
import { pendingTrialEnd } from './subscription.ts'
import { unusedKeyLimits } from './key-usage.ts'
import { type Line, PLAIN_LINE } from './step.ts'
import type { Account, Micros } from './types.ts'

/** A line that nobody asked for: what only time did. */
export type LapseLine = { readonly kind: 'expiry' | 'allowance'; readonly line: Line }
/** What of a plan matters here. */
export type Allowing = Pick<PlanTerms, 'allowance'>
export type Lapsed = { readonly account: Account; readonly lines: readonly LapseLine[] }

const NONE: readonly LapseLine[] = []

/**
 * What time has done to an account by `now`: a new period has begun, with the plan that was to begin
 * with it and the credits that it begins with; holds have freed themselves, grants have expired.
 * Nothing has to run at that moment: whoever looks next sees it, and the next command writes its lines.
 * Months in which nobody looked leave no lines of their own, only what they rolled over.
 *
 * @param terms the plan that holds at `now` (`planVersionAt`)
 */
export function lapse(account: Account, terms: Allowing, now: number): Lapsed {
  let rolled = now >= account.period.end ? inPeriodOf(account, now) : account
  let lines = NONE
  if (now >= account.nextExpiry) {
    lines = account.grants
      .filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now)
      .map(({ seq, remaining }) => expiryLine(seq, remaining))
    rolled = withoutExpired(rolled, now)
  }
  const allowance = allowanceDue(rolled, terms)
  if (allowance === null) return { account: rolled, lines }
  const kept = rolledOver(account, rolled, allowance)
  const given = withAllowance(rolled, allowance.credits + kept, account.lastSeq + lines.length + 1)
  return { account: given, lines: [...lines, allowanceLine(given, allowance.credits, kept)] }
}

/** The account as it stands at `now`; `lastSeq` stays, since no line is written. */
export function rollTo(account: Account, terms: Allowing, now: number): Account {
  return lapse(account, terms, now).account
}

function inPeriodOf(account: Account, now: number): Account {
  const { pending } = account
  const next = {
    ...account,
    period: periodAfter(account.period.end, account.anchor, account.timeZone, now),
    counters: NO_COUNTERS,
    keyLimits: unusedKeyLimits(account.keyLimits),
  }
  if (pending === null) return next
  if (pending.planVersionNo === null) return { ...next, pending: null, subscription: 'canceled' }
  const trialEnd = account.trialEnd ?? pendingTrialEnd(account)
  return { ...next, pending: null, planVersionNo: pending.planVersionNo, windows: [], trialEnd }
}

function withoutExpired(account: Account, now: number): Account {
  const grants = account.grants.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  const holds = account.holds.filter(({ expiresAt }) => expiresAt > now)
  return withCredits(account, { grants, holds })
}

/** Once for each period, and only while the subscription runs. */
function allowanceDue(
  { subscription, allowance, period }: Account,
  terms: Allowing,
): PlanTerms['allowance'] {
  if (terms.allowance === null || subscription !== 'active') return null
  return (allowance?.through ?? 0) < period.end ? terms.allowance : null
}

/** What the running period keeps of those before it: never more than the plan lets a period keep. */
function rolledOver(
  before: Account,
  rolled: Account,
  { credits, rolloverMax }: NonNullable<PlanTerms['allowance']>,
): Micros {
  if (rolloverMax === 0n || before.allowance === null) return 0n
  const { through, seq } = before.allowance
  // Else it was for a period before the last that anybody saw, and a pause lies between.
  if (through < before.period.end) return 0n
  let kept = smaller(before.grants.find((grant) => grant.seq === seq)?.remaining ?? 0n, rolloverMax)
  let start = through
  while (start < rolled.period.start && kept < rolloverMax) {
    kept = smaller(kept + credits, rolloverMax)
    start = periodAfter(start, before.anchor, before.timeZone, start).end
  }
  return kept
}

function withAllowance(account: Account, credits: Micros, seq: number): Account {
  const { period } = account
  const granted = withGrant(account, {
    credits,
    priority: GRANT_PRIORITY_DEFAULT,
    expiresAt: period.end,
    seq,
  })
  return { ...granted, allowance: { through: period.end, seq } }
}

/**
 * Credits of a plan that begins in the middle of a period: to those that the period began with, if
 * there are any, so that they lapse and roll over together.
 */
export function withMoreAllowance(account: Account, credits: Micros): Account {
  const seq = account.allowance?.seq
  const index = account.grants.findIndex((grant) => grant.seq === seq)
  const running = account.allowance !== null && account.allowance.through >= account.period.end
  if (!running || index < 0) return withAllowance(account, credits, account.lastSeq + 1)
  const grant = account.grants[index]!
  const more = { ...grant, remaining: grant.remaining + credits }
  return withCredits(account, { grants: account.grants.with(index, more) })
}

function expiryLine(grantSeq: number, remaining: Micros): LapseLine {
  const line = { ...PLAIN_LINE, credits: -remaining, detail: { grant_seq: grantSeq } }
  return { kind: 'expiry', line }
}

function allowanceLine({ period }: Account, credits: Micros, kept: Micros): LapseLine {
  const detail = {
    period_start: new Date(period.start).toISOString(),
    expires_at: new Date(period.end).toISOString(),
    rolled_over: numberFromMicros(kept),
  }
  return { kind: 'allowance', line: { ...PLAIN_LINE, credits: credits + kept, detail } }
}

function smaller(a: Micros, b: Micros): Micros {
  return a < b ? a : b
}
