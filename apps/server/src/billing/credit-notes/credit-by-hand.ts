import type { InvoiceLine, TaxOfRate } from '@tollgate/contract'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type IssuedInvoice, taxesOf } from '../invoices/invoice-json.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { NoteAmounts } from './credit-of.ts'
import { creditByRate } from './tax-of-credit.ts'

/**
 * A note over a sum that somebody named: a line for each tax rate that it takes something back of. Pure.
 * @param total with tax
 * @param before what the notes before it took back
 */
export function creditByHand(
  { currency, document }: Pick<InvoiceRow, 'currency' | 'document'>,
  { total, reason }: { total: string; reason: string },
  before: readonly TaxOfRate[],
): NoteAmounts {
  const issued = document.issued as IssuedInvoice
  const all = creditByRate({ taxes: taxesOf(issued), currency }, total, before)
  const some = all.filter(({ subtotal, tax }) => !isZero(subtotal) || !isZero(tax))
  const taxes = some.length === 0 ? all.slice(0, 1) : some
  const sum = (amounts: string[]) =>
    amounts.reduce((sofar, amount) => sofar.add(parseExact(amount)), NOTHING)
  return {
    lines: taxes.map(({ tax_rate, subtotal }) => lineOf(reason, subtotal, tax_rate)),
    subtotal: formatMoney(sum(taxes.map(({ subtotal }) => subtotal)), currency),
    tax_rate: issued.tax_rate,
    tax: formatMoney(sum(taxes.map(({ tax }) => tax)), currency),
    taxes,
    total,
  }
}

function isZero(amount: string): boolean {
  return parseExact(amount).isZero()
}

function lineOf(description: string, amount: string, taxRate: string | null): InvoiceLine {
  const nothingMeasured = { meter: null, unit: null, plan: null, plan_version: null, entries: null }
  return {
    kind: 'adjustment',
    description,
    ...nothingMeasured,
    quantity: 1,
    unit_price: null,
    amount,
    tax_rate: taxRate,
    period: null,
    math: [],
  }
}
