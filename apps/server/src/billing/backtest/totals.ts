import type { BacktestReply } from '@tollgate/contract'
import { type Decimal, formatMoney, NOTHING } from '../../lib/money.ts'
import type { LogBacktest } from './backtest-log.ts'

export type BacktestRow = BacktestReply['data'][number]
export type BacktestCurrency = BacktestReply['currencies'][number]

/** What a tenant's periods come to: a row for each currency that it was billed in, nearly always one. */
export function rowsOf(tenantId: string, { periods, keptPlans }: LogBacktest): BacktestRow[] {
  const currencies = [...new Set(periods.map(({ currency }) => currency))]
  return currencies.map((currency): BacktestRow => {
    const own = periods.filter((period) => period.currency === currency)
    const now = sum(own.map((one) => one.now))
    const otherwise = sum(own.map((one) => one.otherwise))
    const total = (of: (period: (typeof own)[number]) => number) =>
      own.reduce((all, period) => all + of(period), 0)
    return {
      tenant_id: tenantId,
      plan: own.at(-1)!.plan,
      kept_plans: [...keptPlans],
      currency,
      periods: own.length,
      now: formatMoney(now, currency),
      // biome-ignore lint/suspicious/noThenProperty: an amount, and no function that await would call.
      then: formatMoney(otherwise, currency),
      difference: formatMoney(otherwise.sub(now), currency),
      allowed_to_denied: total(({ allowedToDenied }) => allowedToDenied),
      denied_to_allowed: total(({ deniedToAllowed }) => deniedToAllowed),
      refused: total(({ refused }) => refused),
    }
  })
}

/** By currency. Winners are those who would pay less. */
export class Totals {
  private readonly byCurrency = new Map<
    string,
    { now: Decimal; otherwise: Decimal; winners: number; losers: number; unchanged: number }
  >()

  add(rows: readonly BacktestRow[]): void {
    for (const { currency, now, then } of rows) {
      const none = { now: NOTHING, otherwise: NOTHING, winners: 0, losers: 0, unchanged: 0 }
      const total = this.byCurrency.get(currency) ?? none
      const difference = NOTHING.add(then).sub(now)
      total.now = total.now.add(now)
      total.otherwise = total.otherwise.add(then)
      if (difference.isZero()) total.unchanged += 1
      else if (difference.isNegative()) total.winners += 1
      else total.losers += 1
      this.byCurrency.set(currency, total)
    }
  }

  get all(): BacktestCurrency[] {
    return [...this.byCurrency]
      .map(([currency, { now, otherwise, ...counts }]) => ({
        currency,
        now: formatMoney(now, currency),
        // biome-ignore lint/suspicious/noThenProperty: an amount, and no function that await would call.
        then: formatMoney(otherwise, currency),
        difference: formatMoney(otherwise.sub(now), currency),
        ...counts,
      }))
      .sort((a, b) => (a.currency < b.currency ? -1 : 1))
  }
}

function sum(amounts: readonly Decimal[]): Decimal {
  return amounts.reduce((all, amount) => all.add(amount), NOTHING)
}
