import type { PlanTerms } from '../catalog/types.ts'
import { periodAt } from '../lib/periods.ts'
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

const DAY_MS = 86_400_000

/** The account of a new tenant, as line 1 of its log (kind `open`) leaves it. */
export function openAccount(opening: {
  tenantNo: number
  planVersionNo: number
  timeZone: string
  region: string | null
  /** Days without charges. */
  trialDays?: number
  /** The time that the tenant is to live in; left out: everybody's. */
  testClock?: number | null
  now: number
}): Account {
  const { tenantNo, planVersionNo, timeZone, region, trialDays = 0, testClock = null } = opening
  const now = testClock ?? opening.now
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
    subscription: 'active',
    trialEnd: trialDays === 0 ? null : now + trialDays * DAY_MS,
    pending: null,
    allowance: null,
    testClock,
    nextExpiry: Number.POSITIVE_INFINITY,
  }
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
