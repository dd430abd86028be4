import type { SubscriptionReply } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { accountAt } from '../../ledger/readings.ts'
import { carriedOut } from '../../ledger/refusals.ts'
import type { Account } from '../../ledger/types.ts'
import type { Caller } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { fingerprintOf, makeIdempotencyKey, storedKey } from '../../lib/idempotency.ts'
import { billingCurrency, checkPriced } from '../currency.ts'
import { planToTake } from './plan-to-take.ts'
import { plannedChange, type When, type Wish } from './planned-change.ts'
import { lockSubscriber } from './store.ts'
import { subscriptionAt } from './subscription-at.ts'

export type SubscriptionDependencies = {
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  clock: Clock
}

/** As it comes in. */
export type Asked =
  | { readonly kind: 'plan'; readonly plan: string; readonly when: When }
  | Exclude<Wish, { kind: 'plan' }>

export type Changed = {
  readonly before: SubscriptionReply
  readonly after: SubscriptionReply
  /** The line of the log; null: there was nothing to change. */
  readonly logSeq: number | null
}

/**
 * Changes a subscription through the tenant's log, which commits first.
 * @throws ProblemError invalid_request for a plan, subscription_conflict, idempotency_conflict
 */
export async function changeSubscription(
  deps: SubscriptionDependencies,
  caller: Pick<Caller, 'tenant' | 'senderNo'>,
  tenantNo: number,
  asked: Asked,
  idempotencyKey = makeIdempotencyKey(),
): Promise<Changed> {
  return inTransaction(deps.pool, async (db) => {
    // Until the end nobody else changes it: what is decided here is decided on what is there.
    await lockSubscriber(db, tenantNo)
    const { account, now } = await accountAt(db, deps.catalog, tenantNo, deps.clock.now())
    const before = await subscriptionAt(db, deps, tenantNo)
    const wish = await wishOf(db, deps.catalog, caller, account, asked)
    const change = plannedChange(account, wish, now)
    if (change === null) return { before, after: before, logSeq: null }
    const receipt = await deps.ledger.submit(
      tenantNo,
      caller.senderNo,
      { kind: 'change', change },
      {
        key: storedKey(idempotencyKey),
        fingerprint: fingerprintOf([
          'subscription',
          asked.kind,
          'plan' in asked ? asked.plan : null,
          'when' in asked ? asked.when : null,
        ]),
      },
    )
    const { entry } = carriedOut(receipt)
    return { before, after: await subscriptionAt(db, deps, tenantNo), logSeq: entry.seq }
  })
}

/** @throws ProblemError invalid_request for a plan that the caller cannot take, or that has no price */
export async function wishOf(
  db: Queryable,
  catalog: Catalog,
  caller: Pick<Caller, 'tenant'>,
  { tenantNo, planVersionNo, subscription }: Account,
  asked: Asked,
): Promise<Wish> {
  if (asked.kind !== 'plan') return asked
  const runs = subscription !== 'canceled'
  const terms = planToTake(catalog, asked.plan, caller, { planVersionNo, runs })
  checkPriced(terms, await billingCurrency(db, catalog, tenantNo))
  return { kind: 'plan', terms, when: asked.when }
}
