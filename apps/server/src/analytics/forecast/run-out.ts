import type { PlanTerms } from '../../catalog/types.ts'
import { whenCreditsEnd } from '../../ledger/credits-last.ts'
import type { Account } from '../../ledger/types.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import { type Period, periodAfter } from '../../lib/periods.ts'
import type { StretchAhead } from './days.ts'
import type { Expected, Forecast } from './forecast.ts'

/** Indices of days ahead; null: on none of them. */
export type RunsOut = {
  readonly expected: number | null
  readonly earliest: number | null
  readonly latest: number | null
}

export type PlansAhead = { readonly terms: PlanTerms; readonly termsAfter: PlanTerms }

/** On which day the units reach the quota. It begins anew with each period. Pure. */
export function whenQuotaEnds(
  account: Account,
  plans: PlansAhead,
  ahead: readonly StretchAhead[],
  forecast: Forecast,
): RunsOut {
  return onEachPath(forecast, (amounts) => {
    let period: Period = account.period
    let used = numberFromMicros(account.counters.used)
    for (const [index, { from }] of ahead.entries()) {
      if (from >= period.end) {
        period = periodAfter(period.end, account.anchor, account.timeZone, from)
        used = 0
      }
      const { quota } = from < account.period.end ? plans.terms : plans.termsAfter
      used += amounts[index]!
      if (quota !== null && used >= numberFromMicros(quota.limit)) return index
    }
    return null
  })
}

/** On which day the credits end, by the rules of the ledger. Pure. */
export function whenCreditsRunOut(
  account: Account,
  plans: PlansAhead,
  ahead: readonly StretchAhead[],
  forecast: Forecast,
): RunsOut {
  return onEachPath(forecast, (amounts) => {
    const stretches = ahead.map(({ from }, index) => {
      return { from, credits: BigInt(Math.round(amounts[index]! * 1e6)) }
    })
    return whenCreditsEnd(account, plans, stretches)
  })
}

/** If much is used it is earlier, if little it is later. */
function onEachPath(
  { through }: Forecast,
  when: (amounts: readonly number[]) => number | null,
): RunsOut {
  const path = (name: keyof Expected) =>
    when(through.map((one, day) => one[name] - (day === 0 ? 0 : through[day - 1]![name])))
  return { expected: path('expected'), earliest: path('high'), latest: path('low') }
}
