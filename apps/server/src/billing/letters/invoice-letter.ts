import type { Invoice } from '@tollgate/contract'
import { type Mail, oneLine } from '../../delivery/letter.ts'
import { parseExact } from '../../lib/money.ts'
import { LETTER_LINES_MAX } from '../../limits.ts'
import { usedTaxes } from '../pricing/totals.ts'

/** What a customer is told when an invoice is issued; the invoice itself goes with it. Pure. */
export function invoiceLetter(invoice: Invoice, to: string, publicUrl: string): Mail {
  const { number, seller, customer, currency, period } = invoice
  const from = oneLine(seller.name)
  const subject = `Invoice ${number} from ${from}`
  const day = (instant: string) => dayOf(instant, period.timezone)
  const money = (amount: string) => `${amount} ${currency}`
  const lines = invoice.lines.slice(0, LETTER_LINES_MAX).map(({ description, amount }) => {
    return `  ${oneLine(description)}: ${money(amount)}`
  })
  const more = invoice.lines.length - lines.length
  const text = [
    `Hello ${oneLine(customer.name)},`,
    '',
    `this is invoice ${number} for ${day(period.start)} to ${day(period.end)} (${period.timezone}).`,
    '',
    ...lines,
    ...(more > 0 ? [`  … and ${more} more lines`] : []),
    ...usedTaxes(invoice.taxes).flatMap(({ tax_rate, tax }) => {
      return tax_rate === null ? [] : [`  Tax, ${tax_rate} %: ${money(tax)}`]
    }),
    '',
    `Total: ${money(invoice.total)}`,
    ...(isZero(invoice.credit_applied) ? [] : [`Your credit: -${money(invoice.credit_applied)}`]),
    dueText(invoice),
    '',
    'The invoice is attached. For those who may read it, it is here as well:',
    '',
    `${publicUrl}/api/billing/invoices/${invoice.invoice_id}`,
    '',
    from,
    '',
  ].join('\n')
  return { to, subject, text }
}

function dueText({ amount_due, credit_balance, currency, due_at, period }: Invoice): string {
  if (isZero(amount_due)) {
    const left = `${credit_balance} ${currency} in your favour are taken off the next invoices.`
    return `There is nothing to pay.${isZero(credit_balance) ? '' : ` ${left}`}`
  }
  return `To be paid: ${amount_due} ${currency}, by ${dayOf(due_at!, period.timezone)}`
}

function isZero(amount: string): boolean {
  return parseExact(amount).isZero()
}

/** As it is where the tenant lives. */
function dayOf(instant: string, timeZone: string): string {
  return Temporal.Instant.from(instant).toZonedDateTimeISO(timeZone).toPlainDate().toString()
}
