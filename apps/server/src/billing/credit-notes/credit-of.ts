import type { CreditNote } from '@tollgate/contract'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type Adjustment, decimalsOf } from '../invoices/adjustments.ts'
import { adjustmentLine } from '../invoices/draft.ts'
import type { IssuedInvoice } from '../invoices/invoice-json.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import { totalInvoice } from '../pricing/totals.ts'

export type NoteAmounts = Pick<
  CreditNote,
  'lines' | 'subtotal' | 'tax_rate' | 'tax' | 'taxes' | 'total'
>

/** Null unless something is to be given back. With the tax that the invoice asked. Pure. */
export function creditOf(
  adjustments: readonly Adjustment[],
  invoice: InvoiceRow,
): NoteAmounts | null {
  const { currency } = invoice
  const { tax_rate: taxRate } = invoice.document.issued as IssuedInvoice
  const back = adjustments.map((adjustment) => {
    const line = adjustmentLine(adjustment, taxRate)
    return {
      ...line,
      quantity: 0 - line.quantity,
      amount: formatMoney(parseExact(line.amount).neg(), currency),
      math: line.math.map((step) => {
        const amount = parseExact(step.amount).neg().toFixed(decimalsOf(step.amount))
        return { ...step, unit_price: amount, amount }
      }),
    }
  })
  const totals = totalInvoice({ currency, lines: back, taxRate })
  if (parseExact(totals.total).lte(NOTHING)) return null
  const { subtotal, tax_rate, tax, taxes, total } = totals
  return { lines: back, subtotal, tax_rate, tax, taxes, total }
}

/** Whether an invoice asks for as much as is to be taken back of it. */
export function canBeCredited({ total, credited }: InvoiceRow, amount: string): boolean {
  return parseExact(credited).add(parseExact(amount)).lte(parseExact(total))
}
