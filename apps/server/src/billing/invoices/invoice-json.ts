import type { Invoice, InvoiceStatus, TaxOfRate } from '@tollgate/contract'
import { entryId, parseEntryId } from '../../lib/ids.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { wirePeriod } from '../../lib/wire-period.ts'
import type { CreditUse } from '../customer-credit/credit-use.ts'
import type { InvoiceRow } from './store.ts'
import type { Draft } from './types.ts'

/** An invoice without what may change after it was issued. `taxes` is younger than some of them. */
export type IssuedInvoice = Omit<
  Invoice,
  'status' | 'paid_at' | 'credited' | 'amount_due' | 'taxes'
> & { taxes?: TaxOfRate[] }

/** One for each period, known before it is issued. */
export function invoiceIdOf(tenantNo: number, periodStart: number): string {
  return entryId('inv', tenantNo, Math.floor(periodStart / 1_000))
}

/** Whose invoice it would be; null for what is no such id. */
export function tenantOfInvoice(invoiceId: string): number | null {
  return parseEntryId('inv', invoiceId)?.tenantNo ?? null
}

export function issuedJson(
  draft: Draft,
  credit: CreditUse,
  issue: { invoiceId: string; number: string; issuedAt: number; dueAt: number } | null,
): IssuedInvoice {
  const { totals } = draft
  return {
    invoice_id: issue?.invoiceId ?? invoiceIdOf(draft.tenantNo, draft.period.start),
    number: issue?.number ?? null,
    plan: draft.plan,
    due_at: issue === null ? null : instant(issue.dueAt),
    currency: draft.currency,
    period: wirePeriod(draft.period, draft.timeZone),
    issued_at: issue === null ? null : instant(issue.issuedAt),
    seller: draft.seller,
    customer: draft.customer,
    lines: [...draft.lines],
    subtotal: totals.subtotal,
    tax_rate: totals.tax_rate,
    tax: totals.tax,
    taxes: totals.taxes,
    total: totals.total,
    credit_applied: formatMoney(credit.applied, draft.currency),
    credit_balance: formatMoney(credit.balance, draft.currency),
  }
}

/** What would be issued if the period ended with what is known now. */
export function draftJson(draft: Draft, credit: CreditUse): Invoice {
  const due = parseExact(draft.totals.total).sub(credit.applied)
  return withState(issuedJson(draft, credit, null), {
    status: 'draft',
    paid_at: null,
    credited: formatMoney(NOTHING, draft.currency),
    amount_due: formatMoney(due.gt(0) ? due : NOTHING, draft.currency),
  })
}

export function invoiceJson(row: InvoiceRow): Invoice {
  const zero = formatMoney(NOTHING, row.currency)
  // Those that are older than customer credit say nothing of it.
  const none = { credit_applied: zero, credit_balance: zero }
  const issued = { ...none, ...(row.document.issued as IssuedInvoice) }
  const left = parseExact(row.total)
    .sub(parseExact(row.credited))
    .sub(parseExact(row.credit_applied))
  const owed = row.status === 'open' || row.status === 'uncollectible'
  return withState(issued, {
    status: row.status,
    paid_at: row.paid_at === null ? null : instant(row.paid_at),
    credited: formatMoney(parseExact(row.credited), row.currency),
    amount_due: formatMoney(owed ? left : NOTHING, row.currency),
  })
}

/** Where nothing is said of them, all lines of a document have one rate. */
export function taxesOf(
  issued: Pick<IssuedInvoice, 'tax_rate' | 'subtotal' | 'tax' | 'taxes'>,
): TaxOfRate[] {
  const { tax_rate, subtotal, tax, taxes = [{ tax_rate, subtotal, tax }] } = issued
  return taxes
}

function withState(
  issued: IssuedInvoice,
  state: { status: InvoiceStatus; paid_at: string | null; credited: string; amount_due: string },
): Invoice {
  const { invoice_id, number, ...rest } = issued
  return { invoice_id, number, ...state, ...rest, taxes: taxesOf(issued) }
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
