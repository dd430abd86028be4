import type { UsageForecast } from '@tollgate/contract'
import { type MeasuredPeriods, measuredPeriods } from '../../billing/outlook/measured-periods.ts'
import { availableCredits } from '../../ledger/account.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import type { Subject, Verb } from '../answer.ts'
import { daysAhead, type StretchAhead } from './days.ts'
import { forecastOf } from './forecast.ts'
import { AHEAD_MS, amountOf, type Measure, nextDays, type Outlook, periodEnd } from './outlook.ts'
import { type History, readHistory } from './read-history.ts'
import { type PlansAhead, type RunsOut, whenCreditsRunOut, whenQuotaEnds } from './run-out.ts'

const INTERVAL_PERCENT = 80
/** An answer holds so long, if nothing happens. */
const STEP_MS = 600_000

/** Where usage, cost, quota and credits are heading, from whole days of at most twelve weeks. */
export const usageForecast: Verb<object, UsageForecast> = (subject) => ({
  // Currency, prices and plans on offer are not in the log.
  dependsOn: null,
  async read() {
    const now = Math.max(subject.account.period.start, subject.now - (subject.now % STEP_MS))
    const [history, plans] = await Promise.all([readHistory(subject, now), plansAhead(subject)])
    const ahead = aheadOf(subject, now)
    const forecasts = forecastsOf(subject, history, ahead)
    const measured = subject.seesMoney ? await measuredNow(subject) : null
    const outlook: Outlook = { subject, now, history, ahead, plans, forecasts, measured }
    const { first, last, days } = history
    return {
      basis: forecasts?.calls.basis ?? 'none',
      confidence: forecasts?.calls.confidence ?? 'none',
      reason: forecasts !== null ? null : isRunning(subject) ? 'no_whole_day' : 'not_running',
      history: { days: days.length, first, last, timezone: subject.account.timeZone },
      interval_percent: INTERVAL_PERCENT,
      period_end: periodEnd(outlook),
      next_30_days: nextDays(outlook),
      quota: quotaOf(outlook),
      credits: creditsOf(outlook),
    }
  },
})

async function plansAhead({ account, terms, catalog }: Subject): Promise<PlansAhead> {
  const version = account.pending?.planVersionNo ?? terms.planVersionNo
  return { terms, termsAfter: await catalog.loadPlanVersion(version) }
}

/** To the later of the period's end and 30 days. Of who leaves then, nothing after that. */
function aheadOf({ account }: Subject, now: number): StretchAhead[] {
  const until = Math.max(account.period.end, now + AHEAD_MS)
  const leaves = account.pending !== null && account.pending.planVersionNo === null
  return daysAhead(now, until, account.timeZone).map((day) => {
    return leaves && day.from >= account.period.end ? { ...day, share: 0 } : day
  })
}

function isRunning({ account }: Subject): boolean {
  return account.subscription === 'active' && account.status === 'active'
}

function forecastsOf(
  subject: Subject,
  { days }: History,
  ahead: readonly StretchAhead[],
): Outlook['forecasts'] {
  if (!isRunning(subject)) return null
  const of = (measure: Measure) =>
    forecastOf(
      days.map((day) => ({ weekday: day.weekday, amount: Math.max(0, amountOf(day, measure)) })),
      ahead,
    )
  const [calls, units, credits] = [of('calls'), of('units'), of('credits')]
  return calls && units && credits && { calls, units, credits }
}

function measuredNow({ source, catalog, now }: Subject): Promise<MeasuredPeriods> {
  return measuredPeriods({ pool: source.pool, catalog }, source.tenantNo, now, 1)
}

function quotaOf(outlook: Outlook): UsageForecast['quota'] {
  const { subject, plans, ahead, forecasts } = outlook
  const { account, terms } = subject
  if (terms.quota === null) return null
  const days = forecasts && whenQuotaEnds(account, plans, ahead, forecasts.units)
  return {
    limit: numberFromMicros(terms.quota.limit),
    used: numberFromMicros(account.counters.used),
    runs_out: dated(days, ahead),
  }
}

function creditsOf(outlook: Outlook): UsageForecast['credits'] {
  const { subject, plans, ahead, forecasts } = outlook
  const { account, terms } = subject
  if (terms.credits !== 'required') return null
  const days = forecasts && whenCreditsRunOut(account, plans, ahead, forecasts.credits)
  const available = numberFromMicros(availableCredits(account))
  return { available, runs_out: dated(days, ahead) }
}

function dated(days: RunsOut | null, ahead: readonly StretchAhead[]) {
  const date = (index: number | null | undefined) => {
    return index === null || index === undefined ? null : ahead[index]!.date
  }
  return {
    expected: date(days?.expected),
    earliest: date(days?.earliest),
    latest: date(days?.latest),
    through: ahead.at(-1)!.date,
  }
}
