import type { NoForecastReason } from '@tollgate/contract'
import type { PlanTerms } from '../catalog/types.ts'
import {
  CREDIT_FORECAST_BASIS_MS_MIN,
  CREDIT_FORECAST_DAYS_MAX,
  CREDIT_FORECAST_STEPS_MAX,
} from '../limits.ts'
import { availableCredits } from './account.ts'
import { burn } from './credits.ts'
import { rollTo } from './lapse.ts'
import type { Account, Micros } from './types.ts'

export type CreditForecast = {
  /** null: too little is known. */
  readonly perDay: Micros | null
  readonly from: number
  readonly runsOutAt: number | null
  readonly reason: NoForecastReason | null
}

const DAY_MS = 86_400_000

/**
 * When the credits end if they go on burning as they did in the running period so far, with the
 * expiries, holds that end and allowances that lie between. From the account alone. Pure.
 * @param account as it stands at `now`
 * @param termsAfter the plan once the running period has ended
 */
export function forecastCredits(
  account: Account,
  terms: PlanTerms,
  termsAfter: PlanTerms,
  now: number,
): CreditForecast {
  const from = Math.min(Math.max(account.period.start, account.anchor), now)
  const ms = now - from
  const { creditsBurned, creditsOverage } = account.counters
  const burned = creditsBurned + creditsOverage
  const none = (reason: NoForecastReason, perDay: Micros | null): CreditForecast => {
    return { perDay, from, runsOutAt: null, reason }
  }
  if (account.subscription !== 'active') return none('not_running', null)
  if (burned <= 0n && terms.credits !== 'required') return none('credits_not_required', 0n)
  if (ms < CREDIT_FORECAST_BASIS_MS_MIN) return none('too_little_data', null)
  if (burned <= 0n) return none('no_usage', 0n)
  const rate: Rate = { burned, ms: BigInt(ms) }
  const perDay = (burned * BigInt(DAY_MS)) / rate.ms
  const runsOutAt = whenEmpty(account, { terms, termsAfter }, now, rate)
  if (runsOutAt === null) return none('beyond_horizon', perDay)
  return { perDay, from, runsOutAt, reason: null }
}

/** So many micro-credits in so many milliseconds. */
type Rate = { readonly burned: Micros; readonly ms: bigint }

/** From one thing that time will do to the next; in between credits only burn. */
function whenEmpty(
  start: Account,
  { terms, termsAfter }: { terms: PlanTerms; termsAfter: PlanTerms },
  now: number,
  { burned, ms }: Rate,
): number | null {
  const horizon = now + CREDIT_FORECAST_DAYS_MAX * DAY_MS
  let account = start
  let at = now
  for (let step = 0; step < CREDIT_FORECAST_STEPS_MAX && at < horizon; step += 1) {
    const free = availableCredits(account)
    const emptyAt = at + Number((free * ms) / burned)
    const next = Math.min(account.nextExpiry, account.period.end)
    if (emptyAt < next) return emptyAt < horizon ? emptyAt : null
    const used = (burned * BigInt(next - at)) / ms
    const left = burn(account, used < free ? used : free)
    account = rollTo(left, next < start.period.end ? terms : termsAfter, next)
    // Then no call is taken any more.
    if (account.subscription !== 'active') return null
    at = next
  }
  return null
}
