import type { PlanTerms } from '../catalog/types.ts'
import { periodAt } from '../lib/periods.ts'
import { unusedKeyLimits } from './key-usage.ts'
import type { Account, PeriodCounters, RateWindow } from './types.ts'

export const NO_COUNTERS: PeriodCounters = {
  used: 0n,
  overage: 0n,
  recorded: 0,
  denied: 0,
  failed: 0,
  creditsBurned: 0n,
  creditsOverage: 0n,
  bytes: 0,
  largestBytes: 0,
}

/** The account of a new tenant, as line 1 of its log (kind `open`) leaves it. */
export function openAccount(opening: {
  tenantNo: number
  planVersionNo: number
  timeZone: string
  region: string | null
  now: number
}): Account {
  const { tenantNo, planVersionNo, timeZone, region, now } = opening
  return {
    tenantNo,
    lastSeq: 1,
    lastAt: now,
    status: 'active',
    planVersionNo,
    timeZone,
    region,
    anchor: now,
    period: periodAt(now, timeZone, now),
    counters: NO_COUNTERS,
    grants: [],
    balance: 0n,
    holds: [],
    held: 0n,
    windows: [],
    keyLimits: [],
    nextExpiry: Number.POSITIVE_INFINITY,
  }
}

/**
 * The account as it stands at `now`: a new period has begun, holds have freed themselves, grants
 * have expired. Nothing has to run at that moment; whoever looks next sees it. `lastSeq` stays: the
 * lines for expired grants are written with the next command (`decide`).
 */
export function rollTo(account: Account, now: number): Account {
  let rolled = account
  if (now >= account.period.end) {
    const period = periodAt(account.anchor, account.timeZone, now)
    const keyLimits = unusedKeyLimits(rolled.keyLimits)
    rolled = { ...rolled, period, counters: NO_COUNTERS, keyLimits }
  }
  return now >= account.nextExpiry ? withoutExpired(rolled, now) : rolled
}

function withoutExpired(account: Account, now: number): Account {
  const grants = account.grants.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  const holds = account.holds.filter(({ expiresAt }) => expiresAt > now)
  return withCredits(account, { grants, holds })
}

/** The account with other grants or holds, its sums and next expiry made anew from them. */
export function withCredits(
  account: Account,
  { grants = account.grants, holds = account.holds }: Partial<Pick<Account, 'grants' | 'holds'>>,
): Account {
  let nextExpiry = Number.POSITIVE_INFINITY
  let balance = 0n
  for (const grant of grants) {
    balance += grant.remaining
    if (grant.expiresAt !== null) nextExpiry = Math.min(nextExpiry, grant.expiresAt)
  }
  let held = 0n
  for (const hold of holds) {
    held += hold.credits
    nextExpiry = Math.min(nextExpiry, hold.expiresAt)
  }
  return { ...account, grants, holds, balance, held, nextExpiry }
}

/** Credits that are free to spend: never less than none, also while a grant under a hold expires. */
export function availableCredits(account: Account): bigint {
  const free = account.balance - account.held
  return free > 0n ? free : 0n
}

/** The rate windows as they stand at `now`, one for each limit of the plan; closed ones are empty. */
export function windowsAt(account: Account, terms: PlanTerms, now: number): RateWindow[] {
  return terms.rateLimits.map((limit, index) => {
    const window = account.windows[index]
    return window !== undefined && now < window.start + limit.ms ? window : { start: now, count: 0 }
  })
}
