import type { CreditNote, Party } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type Adjustment, decimalsOf } from '../invoices/adjustments.ts'
import { adjustmentLine } from '../invoices/draft.ts'
import { type IssuedInvoice, invoiceIdOf } from '../invoices/invoice-json.ts'
import {
  addCredited,
  type InvoiceRow,
  lockInvoice,
  readLatePeriods,
  settleLate,
} from '../invoices/store.ts'
import { lateAdjustments, ratePeriodOf } from '../invoices/work-out.ts'
import { totalInvoice } from '../pricing/totals.ts'
import type { Folded } from '../usage/fold.ts'
import { readUsage } from '../usage/store.ts'
import { issueCreditNote } from './issue.ts'

/**
 * Gives back by a credit note what a period turned out to cost less, for tenants who want it so, as far
 * as its invoice asks for that much. What is left is for the next invoice.
 */
export async function settleByCreditNotes(
  db: Queryable,
  folded: Folded,
  { now, seller }: { now: number; seller: Party },
): Promise<void> {
  const { tenantNo } = folded.position
  for (const periodStart of await readLatePeriods(db, tenantNo)) {
    const invoice = await lockInvoice(db, tenantNo, invoiceIdOf(tenantNo, periodStart))
    if (invoice === null) continue
    const usage = await readUsage(db, tenantNo, [periodStart])
    const rate = () => ratePeriodOf(folded, usage, periodStart, invoice.currency)
    const adjustments = await lateAdjustments(db, tenantNo, [periodStart], rate, invoice.currency)
    const note = creditOf(adjustments, invoice)
    if (note === null || !(await addCredited(db, tenantNo, invoice.invoice_id, note.total)))
      continue
    const { credit_note_id } = await issueCreditNote(db, invoice, {
      ...note,
      seller,
      now,
      reason: 'Calls that were corrected after the invoice was issued',
      throughSeq: folded.position.foldedSeq,
      idempotencyKey: null,
      basis: {
        billed: adjustments.map(({ difference }) => difference),
        discounts: [],
        minimumCommitment: null,
      },
    })
    await settleLate(db, tenantNo, [periodStart], credit_note_id)
  }
}

type Amounts = Pick<CreditNote, 'lines' | 'subtotal' | 'tax_rate' | 'tax' | 'total'>

/** Null unless something is to be given back. With the tax that the invoice asked. */
export function creditOf(adjustments: readonly Adjustment[], invoice: InvoiceRow): Amounts | null {
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
  const { subtotal, tax_rate, tax, total } = totals
  return { lines: back, subtotal, tax_rate, tax, total }
}
