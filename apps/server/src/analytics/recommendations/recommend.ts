import type { UsageRecommendations } from '@tollgate/contract'
import { wholePeriods } from '../../billing/outlook/compare-plans.ts'
import { measuredPeriods } from '../../billing/outlook/measured-periods.ts'
import type { Subject, Verb } from '../answer.ts'
import { dayAt, startOfDay } from '../calendar.ts'
import { historyNeed, requireFeature } from '../gate.ts'
import { readIdleKeys } from './idle-keys.ts'
import { recommendPlans } from './plans.ts'
import { readWastefulEndpoints } from './wasteful-endpoints.ts'

const PERIODS = 3

/** What costs more than it must. By kind, and of a kind what weighs most first. */
export const usageRecommendations: Verb<object, UsageRecommendations> = (subject) => {
  const { account, terms, catalog, gated, now } = subject
  const range = { from: threeMonthsBack(subject), timeZone: account.timeZone }
  if (gated) requireFeature(catalog, terms, historyNeed(range, account, now))
  return {
    // Names, prices and plans on offer are not in the log.
    dependsOn: null,
    async read() {
      const [plans, endpoints, keys] = await Promise.all([
        subject.seesMoney ? plansOf(subject) : [],
        readWastefulEndpoints(subject),
        readIdleKeys(subject),
      ])
      return { data: [...plans, ...endpoints, ...keys] }
    },
  }
}

function threeMonthsBack({ account: { period, timeZone } }: Subject): number {
  return startOfDay(dayAt(period.start, timeZone).subtract({ months: PERIODS }), timeZone)
}

async function plansOf(subject: Subject) {
  const { source, catalog, now } = subject
  const measured = await measuredPeriods(
    { pool: source.pool, catalog },
    source.tenantNo,
    now,
    PERIODS,
  )
  const periods = wholePeriods(measured.periods, PERIODS)
  return periods.length === 0 ? [] : recommendPlans(subject, { ...measured, periods })
}
