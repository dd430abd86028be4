import type { quotaReply } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../catalog/catalog.ts'
import type { Clock } from '../lib/clock.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { wirePeriod } from '../lib/wire-period.ts'
import { availableCredits } from './account.ts'
import { quotaState, rateLimitStates } from './decision-reply.ts'
import { accountAt } from './readings.ts'
import { subscriptionStatus } from './subscription.ts'

/** What a tenant has left, at this moment. */
export async function readQuota(
  { pool, catalog, clock }: { pool: pg.Pool; catalog: Catalog; clock: Clock },
  tenantNo: number,
): Promise<z.infer<typeof quotaReply>> {
  const { account, terms, now } = await accountAt(pool, catalog, tenantNo, clock.now())
  return {
    plan: terms.plan,
    status: subscriptionStatus(account, now),
    period: wirePeriod(account.period, account.timeZone),
    quota: { ...quotaState(account, terms), overage: numberFromMicros(account.counters.overage) },
    credits: {
      required: terms.credits === 'required',
      balance: numberFromMicros(account.balance),
      held: numberFromMicros(account.held),
      remaining: numberFromMicros(availableCredits(account)),
    },
    rate_limits: rateLimitStates(account, terms, now),
  }
}
