import type { PlanTerms } from '../../catalog/types.ts'
import type { Account, AccountChange } from '../../ledger/types.ts'

export type When = 'now' | 'period_end'

/** What is asked of a subscription. */
export type Wish =
  | { readonly kind: 'plan'; readonly terms: PlanTerms; readonly when: When }
  | { readonly kind: 'cancel'; readonly when: When }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' }

const DAY_MS = 86_400_000

/**
 * The change of an account by which a wish is fulfilled; null: there is nothing to change. Whether it
 * can be fulfilled says the ledger. Pure.
 * @param account as it stands at `now`, its own time
 */
export function plannedChange(account: Account, wish: Wish, now: number): AccountChange | null {
  const { subscription, pending } = account
  switch (wish.kind) {
    case 'plan':
      return wish.when === 'now'
        ? planNow(account, wish.terms, now)
        : planLater(account, wish.terms)
    case 'cancel':
      if (wish.when === 'now') return { subscription: 'canceled' }
      return pending !== null && pending.planVersionNo === null
        ? null
        : { pending: { planVersionNo: null } }
    case 'pause':
      return { subscription: 'paused' }
    case 'resume':
      return subscription === 'active' && pending !== null
        ? { pending: null }
        : { subscription: 'active' }
  }
}

function planNow(account: Account, terms: PlanTerms, now: number): AccountChange | null {
  const { subscription, pending } = account
  const { planVersionNo, trialDays } = terms
  const begins = subscription === 'canceled'
  if (planVersionNo === account.planVersionNo && !begins) {
    return pending === null ? null : { pending: null }
  }
  return {
    planVersionNo,
    ...(begins ? { subscription: 'active' as const } : {}),
    ...(hasTrial(account, terms) ? { trialEnd: now + trialDays * DAY_MS } : {}),
  }
}

/** The plan that runs already takes back the one that was to follow it. */
function planLater(account: Account, terms: PlanTerms): AccountChange | null {
  const { subscription, pending } = account
  const { planVersionNo, trialDays } = terms
  if (subscription === 'active' && planVersionNo === account.planVersionNo) {
    return pending === null ? null : { pending: null }
  }
  if (pending?.planVersionNo === planVersionNo) return null
  return { pending: hasTrial(account, terms) ? { planVersionNo, trialDays } : { planVersionNo } }
}

/** Once for each tenant, with the first plan that has one. */
function hasTrial({ trialEnd }: Account, { trialDays }: PlanTerms): boolean {
  return trialDays > 0 && trialEnd === null
}
