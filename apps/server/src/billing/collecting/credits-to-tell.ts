import { type Decimal, formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { PaymentCredit } from '../payments/types.ts'
import type { NoteToTell } from './store.ts'

/**
 * What of each credit note the provider has to know: not what was credited before it was asked, which it
 * was not asked for, and not what the tenant's own credit had paid. Pure.
 * @param notes in the order in which they were issued
 */
export function creditsToTell(
  invoice: Pick<InvoiceRow, 'total' | 'credit_applied' | 'payment_amount' | 'currency'>,
  notes: readonly NoteToTell[],
): PaymentCredit[] {
  const { currency, payment_amount } = invoice
  const asked = parseExact(payment_amount ?? '0')
  const before = parseExact(invoice.total).sub(parseExact(invoice.credit_applied)).sub(asked)
  let credited = NOTHING
  const told = () => between(NOTHING, credited.sub(before), asked)
  return notes.flatMap(({ credit_note_id: creditNoteId, number, reason, total }) => {
    const until = told()
    credited = credited.add(parseExact(total))
    const amount = told().sub(until)
    if (amount.isZero()) return []
    return [{ creditNoteId, number, reason, amount: formatMoney(amount, currency), currency }]
  })
}

/** Whether anything was credited since the provider was asked. */
export function isAskedForLess(invoice: InvoiceRow): boolean {
  return leftOf(invoice).lt(parseExact(invoice.payment_amount ?? '0'))
}

/** What is left to be paid in money, were nothing paid. */
export function leftOf(
  invoice: Pick<InvoiceRow, 'total' | 'credited' | 'credit_applied'>,
): Decimal {
  const left = parseExact(invoice.total)
    .sub(parseExact(invoice.credited))
    .sub(parseExact(invoice.credit_applied))
  return left.isNegative() ? NOTHING : left
}

function between(least: Decimal, value: Decimal, most: Decimal): Decimal {
  if (value.lt(least)) return least
  return value.gt(most) ? most : value
}
