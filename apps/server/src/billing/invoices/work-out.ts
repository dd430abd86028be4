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
import { canBeCredited, creditOf, type NoteAmounts } from '../credit-notes/credit-of.ts'
import type { Adjustment } from './adjustments.ts'
import { correctionsOf, periodsAskedBy } from './corrections.ts'
import { customerOf, draftInvoice } from './draft.ts'
import { type PeriodLine, ratePeriod } from './rate-period.ts'
import { invoiceIdOf } from './invoice-json.ts'
import { readBilled, readInvoice, readLatePeriods, readTouchedInvoices } from './store.ts'
import type { AskedDocument, Draft } from './types.ts'

/** What an invoice of a period would be now, and what it would settle. */
export type WorkedOut = {
  readonly draft: Draft
  /** The period's own lines. */
  readonly lines: readonly PeriodLine[]
  readonly profile: Profile
  /** In the order in which they were taken off. */
  readonly discountIds: readonly string[]
  /** To be given back beside it, of earlier periods, for tenants who want it so. */
  readonly notes: readonly NoteToGive[]
  /** Earlier periods that it makes up for. */
  readonly latePeriods: readonly number[]
  /** Whether a subscription ran in the period at all. */
  readonly isSubscribed: boolean
  readonly hasTestClock: boolean
}

export type NoteToGive = {
  readonly periodStart: number
  readonly invoiceId: string
  readonly adjustments: readonly Adjustment[]
  readonly amounts: NoteAmounts
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
  const { periods: duePeriods, documents } = await readDuePeriods(db, tenantNo)
  const usage = await readUsage(db, tenantNo, [period.start, ...duePeriods])
  const rate = (periodStart: number) => ratePeriodOf(folded, usage, periodStart, currency)
  const corrections = duePeriods.map((start) => ({
    periodStart: start,
    adjustments: correctionsOf(documents, start, rate(start), currency),
  }))
  const notes = profile.lateUsage === 'credit_note' ? await notesFor(db, tenantNo, corrections) : []
  const givenBack = new Set(notes.map(({ periodStart }) => periodStart))
  const rest = corrections.filter(({ periodStart }) => !givenBack.has(periodStart))
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
    adjustments: rest.flatMap(({ adjustments }) => adjustments),
    discounts: rows.map(discountOf),
    profile,
  })
  return {
    draft,
    lines,
    profile,
    discountIds: rows.map(({ discount_id }) => discount_id),
    notes,
    latePeriods: rest.map(({ periodStart }) => periodStart),
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

/**
 * Earlier periods that may be due for a correction: lines came late, or people credited an invoice or
 * made it void since the last one was issued, which touches all that it asked for.
 */
async function readDuePeriods(
  db: Queryable,
  tenantNo: number,
): Promise<{ periods: number[]; documents: AskedDocument[] }> {
  const late = await readLatePeriods(db, tenantNo)
  const touched = await readTouchedInvoices(db, tenantNo)
  if (late.length + touched.length === 0) return { periods: [], documents: [] }
  const documents = await readBilled(db, tenantNo)
  const again = documents.filter(({ id }) => touched.includes(id)).flatMap(periodsAskedBy)
  return { periods: [...new Set([...late, ...again])].sort((a, b) => a - b), documents }
}

/** As far as the invoice of a period asks for that much. What is left is for the next invoice. */
async function notesFor(
  db: Queryable,
  tenantNo: number,
  corrections: readonly Pick<NoteToGive, 'periodStart' | 'adjustments'>[],
): Promise<NoteToGive[]> {
  const notes: NoteToGive[] = []
  for (const { periodStart, adjustments } of corrections) {
    const invoiceId = invoiceIdOf(tenantNo, periodStart)
    const invoice = await readInvoice(db, tenantNo, invoiceId)
    const amounts = invoice === null ? null : creditOf(adjustments, invoice)
    if (amounts === null || !canBeCredited(invoice!, amounts.total)) continue
    notes.push({ periodStart, invoiceId, adjustments, amounts })
  }
  return notes
}

function discountOf({ description, kind, value }: DiscountRow): Discount {
  return kind === 'percentage'
    ? { description, kind, percent: value }
    : { description, kind, amount: value }
}
