import { OPEN_GRANTS_MAX } from '../limits.ts'
import { availableCredits, withCredits } from './account.ts'
import { PLAIN_LINE, type Step } from './step.ts'
import type { Account, Command, Grant } from './types.ts'

/** Takes `credits` from the grants in burn order. The caller has checked that the balance has them. */
export function burn(account: Account, credits: bigint): Account {
  let due = credits
  const grants: Grant[] = []
  for (const grant of account.grants) {
    // biome-ignore lint/complexity/useMathMinMax: Math.min takes no bigint.
    const taken = grant.remaining < due ? grant.remaining : due
    due -= taken
    if (taken === 0n) grants.push(grant)
    else if (taken < grant.remaining) grants.push({ ...grant, remaining: grant.remaining - taken })
  }
  if (due > 0n) throw new Error(`burning ${credits} micro-credits of a balance ${due} too small`)
  return withCredits(account, { grants })
}

export function decideGrant(
  account: Account,
  command: Extract<Command, { kind: 'grant' }>,
  now: number,
): Step {
  const { credits, priority, expiresAt, reason, bought } = command
  if (expiresAt !== null && expiresAt <= now) return { refusal: 'grant_expired' }
  if (account.grants.length >= OPEN_GRANTS_MAX) return { refusal: 'too_many_grants' }
  const detail = {
    priority,
    reason,
    expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
    ...(bought ? { bought } : {}),
  }
  return {
    account: withGrant(account, { credits, priority, expiresAt }),
    line: { ...PLAIN_LINE, credits, detail },
    refusal: null,
  }
}

/** Adds a grant in its place in the burn order. Its `seq` is that of the line that is written for it. */
export function withGrant(
  account: Account,
  {
    credits,
    priority,
    expiresAt,
    seq = account.lastSeq + 1,
  }: { credits: bigint; priority: number; expiresAt: number | null; seq?: number },
): Account {
  const grant: Grant = { seq, remaining: credits, priority, expiresAt }
  return withCredits(account, { grants: [...account.grants, grant].sort(byBurnOrder) })
}

function byBurnOrder(a: Grant, b: Grant): number {
  const never = Number.POSITIVE_INFINITY
  if (a.priority !== b.priority) return a.priority - b.priority
  const [expiryA, expiryB] = [a.expiresAt ?? never, b.expiresAt ?? never]
  return expiryA === expiryB ? a.seq - b.seq : expiryA - expiryB
}

/** Takes credits back by hand. Never below what is free: credits under a hold are promised. */
export function decideAdjustment(
  account: Account,
  { credits, reason }: Extract<Command, { kind: 'adjustment' }>,
): Step {
  if (-credits > availableCredits(account)) return { refusal: 'balance_too_low' }
  return {
    account: burn(account, -credits),
    line: { ...PLAIN_LINE, credits, detail: { reason } },
    refusal: null,
  }
}
