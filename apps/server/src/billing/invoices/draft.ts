import type { InvoiceLine, Party } from '@tollgate/contract'
import { wireSecond } from '../../lib/wire-period.ts'
import type { Discount } from '../pricing/totals.ts'
import { isSameRate, totalInvoice } from '../pricing/totals.ts'
import { type Adjustment, billedOf, closingBilled } from './adjustments.ts'
import type { PeriodLine } from './rate-period.ts'
import type { Profile } from '../profile/types.ts'
import type { Draft } from './types.ts'

export type InvoiceToDraft = Pick<
  Draft,
  'tenantNo' | 'period' | 'timeZone' | 'plan' | 'currency' | 'seller' | 'customer'
> & {
  lines: readonly PeriodLine[]
  adjustments: readonly Adjustment[]
  discounts: readonly Discount[]
  profile: Pick<Profile, 'taxRate' | 'minimumCommitment'>
}

/** Everything of an invoice but its number: lines, totals, and what they were computed from. Pure. */
export function draftInvoice(toDraft: InvoiceToDraft): Draft {
  const { lines, adjustments, discounts, profile, period, ...head } = toDraft
  const { taxRate, minimumCommitment } = profile
  const own = lines.map((line) => chargeLine(line, taxRate))
  const earlier = adjustments.map((adjustment) => adjustmentLine(adjustment, taxRate))
  const totals = totalInvoice({
    currency: head.currency,
    lines: own,
    corrections: earlier.map(({ amount, tax_rate }) => ({ amount, taxRate: tax_rate })),
    minimumCommitment,
    discounts,
    taxRate,
  })
  const closing = totals.lines.map((line) => ({ ...EMPTY_LINE, ...line, tax_rate: taxRate }))
  return {
    ...head,
    period,
    lines: [...own, ...closing, ...earlier],
    totals,
    basis: {
      billed: [
        ...lines.map((line) => billedOf(period.start, line)),
        ...closingBilled(period.start, own, { ...head, discounts, minimumCommitment }),
        ...adjustments.map(({ difference }) => difference),
      ],
      discounts,
      minimumCommitment,
    },
  }
}

const EMPTY_LINE = {
  meter: null,
  quantity: 1,
  unit: null,
  unit_price: null,
  plan: null,
  plan_version: null,
  period: null,
  entries: null,
  math: [],
}

export function chargeLine(line: PeriodLine, taxRate: string | null): InvoiceLine {
  const { stretch } = line
  return {
    kind: 'charge',
    description: line.description,
    meter: line.meter,
    quantity: Number(line.quantity),
    unit: line.unit,
    unit_price: line.unit_price,
    amount: line.amount,
    tax_rate: taxRate,
    plan: line.plan,
    plan_version: line.planVersion,
    period: stretch && { start: instant(stretch.from), end: instant(stretch.to - 1_000) },
    entries: entriesJson(line.entries),
    math: line.math,
  }
}

/**
 * Names the month that it is about; what it costs now and what was asked before are its two steps. It is
 * taxed as what it corrects was.
 * @param ownRate of the document that it is on
 */
export function adjustmentLine(adjustment: Adjustment, ownRate: string | null): InvoiceLine {
  const { difference, asNow, asBilled, entries, taxRate = ownRate } = adjustment
  const month = wireSecond(difference.periodStart).slice(0, 10)
  return {
    kind: 'adjustment',
    description: `${difference.description}, period from ${month}: correction`,
    meter: difference.meter,
    quantity: Number(difference.quantity),
    unit: difference.unit || null,
    unit_price: null,
    amount: difference.amount,
    tax_rate: isSameRate(taxRate, ownRate) ? ownRate : taxRate,
    plan: difference.plan || null,
    plan_version: difference.planVersion || null,
    period: null,
    entries: entriesJson(entries),
    math: [
      step('as_now', asNow),
      step('as_billed', asBilled.startsWith('-') ? asBilled.slice(1) : `-${asBilled}`),
    ],
  }
}

function step(kind: 'as_now' | 'as_billed', amount: string): InvoiceLine['math'][number] {
  return {
    kind,
    group: null,
    from: '0',
    up_to: null,
    quantity: '1',
    unit_price: amount,
    flat: '0',
    factor: '1',
    amount,
  }
}

function entriesJson(entries: PeriodLine['entries']): InvoiceLine['entries'] {
  if (entries === null) return null
  const { firstSeq: first_seq, lastSeq: last_seq, count } = entries
  return { first_seq, last_seq, count }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

/** Who is billed: what the profile says, else what is known of the tenant. */
export function customerOf(tenant: { name: string; email: string }, profile: Profile): Party {
  return {
    name: profile.legalName ?? tenant.name,
    address: profile.address,
    email: profile.email ?? tenant.email,
    tax_id: profile.taxId,
  }
}
