import type { PlanTerms } from '../catalog/types.ts'
import { availableCredits } from './account.ts'
import { burn } from './credits.ts'
import { rollTo } from './lapse.ts'
import type { Account, Micros } from './types.ts'

/**
 * In which of some stretches, one after the other, the credits end if so many are burned in each, with
 * the expiries and allowances that lie between. Pure.
 * @param account as it stands at the first stretch's beginning
 * @param termsAfter the plan once the running period has ended
 * @returns null: in none
 */
export function whenCreditsEnd(
  account: Account,
  { terms, termsAfter }: { terms: PlanTerms; termsAfter: PlanTerms },
  stretches: readonly { from: number; credits: Micros }[],
): number | null {
  let left = account
  for (const [index, { from, credits }] of stretches.entries()) {
    left = rollTo(left, from < account.period.end ? terms : termsAfter, from)
    // Then no call is taken any more.
    if (left.subscription !== 'active') return null
    if (credits > 0n && credits >= availableCredits(left)) return index
    left = burn(left, credits)
  }
  return null
}
