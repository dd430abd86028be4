import type { SubscriptionStatus } from '@tollgate/contract'
import type { Account, AccountChange, Refusal } from './types.ts'

/**
 * The time at which something happens to an account, ms. A log's time never goes back, whatever a clock
 * says, and a tenant on a test clock has no other time than that.
 * @param testClock where a change of the clock sets it
 */
export function timeOf(account: Account, clockNow: number, testClock?: number): number {
  return Math.max(testClock ?? account.testClock ?? clockNow, account.lastAt)
}

/** The plan version that holds at `now`: another one may have been about to begin. */
export function planVersionAt({ planVersionNo, pending, period }: Account, now: number): number {
  return now >= period.end ? (pending?.planVersionNo ?? planVersionNo) : planVersionNo
}

const DAY_MS = 86_400_000

/** Until when the plan that is about to begin is free: its trial begins with it, whoever looks when. */
export function pendingTrialEnd({ pending, period }: Account): number | null {
  return pending?.trialDays === undefined ? null : period.end + pending.trialDays * DAY_MS
}

/** How a subscription is called in public. A suspension stands above all else. */
export function subscriptionStatus(account: Account, now: number): SubscriptionStatus {
  if (account.status === 'suspended') return 'suspended'
  if (account.subscription !== 'active') return account.subscription
  return account.trialEnd !== null && now < account.trialEnd ? 'trialing' : 'active'
}

/** Who pauses what is paused already has seen an older state than the one that is there. */
export function subscriptionRefusal(account: Account, change: AccountChange): Refusal | null {
  const { subscription, pending, planVersionNo } = change
  if (subscription === 'paused' && account.subscription !== 'active')
    return 'subscription_not_active'
  if (subscription === 'canceled' && account.subscription === 'canceled') {
    return 'subscription_not_active'
  }
  if (
    subscription === 'active' &&
    planVersionNo === undefined &&
    account.subscription !== 'paused'
  ) {
    return 'subscription_not_paused'
  }
  if (pending !== undefined && account.subscription !== 'active') return 'subscription_not_active'
  if (pending === null && account.pending === null) return 'nothing_pending'
  return null
}

/** A clock that stands still can only be moved on, and only where there is one. */
export function testClockRefusal(account: Account, { testClock }: AccountChange): Refusal | null {
  if (testClock === undefined) return null
  if (account.testClock === null) return 'no_test_clock'
  return testClock < account.testClock ? 'clock_goes_back' : null
}
