import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import { type IssuedInvoice, taxesOf } from '../invoices/invoice-json.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { PaymentRequest } from '../payments/types.ts'

/**
 * What a provider is asked for, from the invoice as it was issued. Tax is a line, and so is what was
 * credited before anybody was asked. Pure.
 */
export function paymentRequestOf(
  invoice: InvoiceRow,
  { amount, tenantId, reference }: { amount: string; tenantId: string; reference: string | null },
): PaymentRequest {
  const { invoice_id, number, currency, due_at, total } = invoice
  const issued = invoice.document.issued as IssuedInvoice
  const { customer, lines } = issued
  const applied = parseExact(invoice.credit_applied)
  const credited = parseExact(amount).sub(parseExact(total)).add(applied)
  const besides = [
    ...taxesOf(issued).map(({ tax_rate, tax }) => {
      return { description: `Tax, ${tax_rate ?? '0'} %`, amount: tax }
    }),
    { description: 'Your credit', amount: formatMoney(applied.neg(), currency) },
    { description: 'Credited', amount: formatMoney(credited, currency) },
  ]
  return {
    invoiceId: invoice_id,
    number,
    tenantId,
    amount: formatMoney(parseExact(amount), currency),
    currency,
    customer: { name: customer.name, email: customer.email, reference },
    lines: [
      ...lines.map((line) => ({ description: line.description, amount: line.amount })),
      ...besides.filter((line) => !parseExact(line.amount).eq(NOTHING)),
    ],
    dueAt: due_at,
  }
}
