import { VOID_GRANT_PRIORITY } from '../limits.ts'
import { withCredits } from './account.ts'
import { withGrant } from './credits.ts'
import { withoutVoided } from './key-usage.ts'
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
