import type { Party } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import type { Period } from '../../lib/periods.ts'
import type { Discount } from '../pricing/totals.ts'
import { type DiscountRow, readBilledTenant, readDiscounts } from '../profile/store.ts'
import type { Profile } from '../profile/types.ts'
import type { Folded } from '../usage/fold.ts'
import { readUsage } from '../usage/store.ts'
import type { Usage } from '../usage/tally.ts'
import { lasting } from '../usage/timeline.ts'
import { currencyOf } from '../currency.ts'
import { type Adjustment, adjustmentsOf } from './adjustments.ts'
import { customerOf, draftInvoice } from './draft.ts'
import { type PeriodLine, ratePeriod } from './rate-period.ts'
import { invoiceIdOf } from './invoice-json.ts'
import { readBilled, readLatePeriods } from './store.ts'
import type { Draft } from './types.ts'

/** What an invoice of a period would be now, and what it would settle. */
export type WorkedOut = {
  readonly draft: Draft
  /** The period's own lines. */
  readonly lines: readonly PeriodLine[]
  readonly profile: Profile
  /** In the order in which they were taken off. */
  readonly discountIds: readonly string[]
  /** Earlier periods whose late lines it makes up for. */
  readonly latePeriods: readonly number[]
  /** Whether a subscription ran in the period at all. */
  readonly isSubscribed: boolean
  readonly hasTestClock: boolean
}

/** What an invoice must know of a tenant's log. */
export type ToWorkOut = Pick<Folded, 'spans' | 'termsOf'> & {
  readonly position: Pick<Folded['position'], 'tenantNo'>
}

/**
 * An invoice of a period from what is measured, in the transaction that holds the tenant's position.
 * @throws ProblemError where a plan has no price in the tenant's currency
 */
export async function workOutInvoice(
  db: Queryable,
  folded: ToWorkOut,
  period: Period,
  seller: Party,
  profile: Profile,
): Promise<WorkedOut> {
  const { position, spans, termsOf } = folded
  const { tenantNo } = position
  const own = spans.filter((span) => span.period.start === period.start)
  const last = own.at(-1)!
  const tenant = await readBilledTenant(db, tenantNo)
  const currency = currencyOf(profile, termsOf(spans[0]!.planVersionNo))
  const latePeriods = await readLatePeriods(db, tenantNo)
  const usage = await readUsage(db, tenantNo, [period.start, ...latePeriods])
  const rate = (periodStart: number) => ratePeriodOf(folded, usage, periodStart, currency)
  const rows = await readDiscounts(db, tenantNo)
  const lines = rate(period.start)
  const draft = draftInvoice({
    tenantNo,
    period,
    timeZone: last.timeZone,
    plan: termsOf(last.planVersionNo).plan,
    currency,
    seller,
    customer: customerOf(tenant, profile),
    lines,
    adjustments: await lateAdjustments(db, tenantNo, latePeriods, rate, currency),
    discounts: rows.map(discountOf),
    profile,
  })
  return {
    draft,
    lines,
    profile,
    discountIds: rows.map(({ discount_id }) => discount_id),
    latePeriods,
    isSubscribed: lasting(own).some(({ state }) => state !== 'canceled'),
    hasTestClock: tenant.has_test_clock,
  }
}

export function ratePeriodOf(
  { spans, termsOf }: Pick<Folded, 'spans' | 'termsOf'>,
  usage: readonly Usage[],
  periodStart: number,
  currency: string,
): PeriodLine[] {
  return ratePeriod({
    spans: spans.filter(({ period }) => period.start === periodStart),
    usage: usage.filter((row) => row.periodStart === periodStart),
    termsOf,
    currency,
  })
}

export async function lateAdjustments(
  db: Queryable,
  tenantNo: number,
  latePeriods: readonly number[],
  rate: (periodStart: number) => PeriodLine[],
  currency: string,
): Promise<Adjustment[]> {
  if (latePeriods.length === 0) return []
  const documents = await readBilled(db, tenantNo)
  const billed = documents.flatMap(({ basis }) => basis.billed)
  return latePeriods.flatMap((periodStart) => {
    const id = invoiceIdOf(tenantNo, periodStart)
    const invoice = documents.find((document) => document.id === id)
    const { discounts = [], minimumCommitment = null } = invoice?.basis ?? {}
    const closing = { currency, discounts, minimumCommitment }
    return adjustmentsOf(periodStart, rate(periodStart), billed, closing)
  })
}

function discountOf({ description, kind, value }: DiscountRow): Discount {
  return kind === 'percentage'
    ? { description, kind, percent: value }
    : { description, kind, amount: value }
}
