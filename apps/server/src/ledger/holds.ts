import { numberFromMicros } from '../lib/micros.ts'
import { OPEN_HOLDS_MAX } from '../limits.ts'
import { availableCredits, withCredits } from './account.ts'
import { closedReason } from './calls.ts'
import { burn } from './credits.ts'
import { PLAIN_LINE, type Step } from './step.ts'
import type { Account, Command, Hold } from './types.ts'

/** Sets credits aside. A hold that the balance cannot bear is denied and recorded, as a call is. */
export function decideHold(
  account: Account,
  { credits, expiresAt }: Extract<Command, { kind: 'hold' }>,
): Step {
  if (account.holds.length >= OPEN_HOLDS_MAX) return { refusal: 'too_many_holds' }
  const line = {
    ...PLAIN_LINE,
    cost: credits,
    detail: { expires_at: new Date(expiresAt).toISOString() },
  }
  const closed = closedReason(account)
  if (closed !== null) return { account, line: { ...line, reason: closed }, refusal: null }
  if (credits > availableCredits(account)) {
    return { account, line: { ...line, reason: 'insufficient_credits' }, refusal: null }
  }
  const hold: Hold = { seq: account.lastSeq + 1, credits, expiresAt }
  return { account: withCredits(account, { holds: [...account.holds, hold] }), line, refusal: null }
}

/** Charges what the held work really cost, and frees the rest. */
export function decideSettlement(
  account: Account,
  { holdSeq, credits, allowMore }: Extract<Command, { kind: 'settlement' }>,
): Step {
  const hold = openHold(account, holdSeq)
  if (hold === undefined) return { refusal: 'hold_not_open' }
  if (credits > hold.credits && !allowMore) return { refusal: 'settlement_exceeds_hold' }

  const freed = without(account, hold)
  // A grant may have expired under the hold: the work is done, so what is missing is overage. What
  // goes beyond the hold was never promised, so it must be there.
  const available = availableCredits(freed)
  if (credits > hold.credits && credits > available) return { refusal: 'balance_too_low' }
  const taken = credits < available ? credits : available
  const burned = taken > 0n ? burn(freed, taken) : freed
  const counters = {
    ...account.counters,
    creditsBurned: account.counters.creditsBurned + taken,
    creditsOverage: account.counters.creditsOverage + (credits - taken),
  }
  const line = {
    ...PLAIN_LINE,
    overage: credits > taken,
    credits: -taken,
    cost: credits === taken ? null : credits,
    detail: { hold_seq: holdSeq, held_credits: numberFromMicros(hold.credits) },
  }
  return { account: { ...burned, counters }, line, refusal: null }
}

export function decideRelease(
  account: Account,
  { holdSeq }: Extract<Command, { kind: 'release' }>,
): Step {
  const hold = openHold(account, holdSeq)
  if (hold === undefined) return { refusal: 'hold_not_open' }
  const detail = { hold_seq: holdSeq, held_credits: numberFromMicros(hold.credits) }
  return { account: without(account, hold), line: { ...PLAIN_LINE, detail }, refusal: null }
}

function openHold(account: Account, seq: number): Hold | undefined {
  return account.holds.find((hold) => hold.seq === seq)
}

function without(account: Account, hold: Hold): Account {
  return withCredits(account, { holds: account.holds.filter((other) => other !== hold) })
}
