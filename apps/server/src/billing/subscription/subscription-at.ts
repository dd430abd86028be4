import type { SubscriptionReply } from '@tollgate/contract'
import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import { pendingTrialEnd, subscriptionStatus } from '../../ledger/subscription.ts'
import type { Clock } from '../../lib/clock.ts'
import { wirePeriod } from '../../lib/wire-period.ts'
import { billingCurrency } from '../currency.ts'

/** What a tenant has agreed to, at its own time. */
export async function subscriptionAt(
  db: Queryable,
  { catalog, clock }: { catalog: Catalog; clock: Clock },
  tenantNo: number,
): Promise<SubscriptionReply> {
  const { account, terms, now } = await accountAt(db, catalog, tenantNo, clock.now())
  const { period, pending, trialEnd } = account
  const pendingEnd = trialEnd === null ? pendingTrialEnd(account) : null
  const next =
    pending?.planVersionNo == null ? null : await catalog.loadPlanVersion(pending.planVersionNo)
  return {
    plan: terms.plan,
    plan_version: terms.version,
    status: subscriptionStatus(account, now),
    currency: await billingCurrency(db, catalog, tenantNo),
    period: wirePeriod(period, account.timeZone),
    trial_end: trialEnd === null ? null : instant(trialEnd),
    pending: pending && {
      plan: next?.plan ?? null,
      at: instant(period.end),
      trial_end: pendingEnd === null ? null : instant(pendingEnd),
    },
  }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
