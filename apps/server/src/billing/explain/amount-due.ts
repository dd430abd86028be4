import type { CreditOrigin, InvoiceExplanation } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import { type Decimal, formatMoney, parseExact } from '../../lib/money.ts'
import { creditOrigins } from '../customer-credit/credit-origins.ts'
import { creditToGiveBack } from '../customer-credit/credit-use.ts'
import { readCreditMoves } from '../customer-credit/store.ts'
import { invoiceJson } from '../invoices/invoice-json.ts'
import { type InvoiceRow, readInvoicesById } from '../invoices/store.ts'

type Total = InvoiceExplanation['totals'][number]

/** What an invoice did to its tenant's credit when it was issued. */
export type CreditStory = {
  /** What it took, oldest first. */
  readonly origins: CreditOrigin[]
  /** What it left over, being below zero. */
  readonly leftOver: Decimal
}

export async function readCreditStory(db: Queryable, row: InvoiceRow): Promise<CreditStory> {
  const { tenant_no: tenantNo, invoice_id: invoiceId, currency } = row
  const moves = await readCreditMoves(db, tenantNo)
  const own = moves.find((move) => move.kind === 'left_over' && move.invoice_id === invoiceId)
  const parts = creditOrigins(moves, invoiceId)
  const ids = parts.map((part) => part.invoiceId)
  const found = ids.length === 0 ? [] : await readInvoicesById(db, tenantNo, ids)
  const byId = new Map(found.map((one) => [one.invoice_id, one]))
  const origins = parts.map(({ invoiceId: id, amount }) => {
    const { number, total } = byId.get(id)!
    const asText = (money: Decimal) => formatMoney(money, currency)
    return { invoice_id: id, number, total: asText(parseExact(total)), amount: asText(amount) }
  })
  return { origins, leftOver: parseExact(own?.amount ?? '0') }
}

/** From the total to what is to be paid: what is added and taken comes to just that. */
export function dueOf(row: InvoiceRow, { origins, leftOver }: CreditStory): Total[] {
  const { amount_due, status } = invoiceJson(row)
  const isVoid = status === 'void'
  const rows: Total[] = []
  let sum = parseExact(row.total)
  const add = (what: Total['what'], rule: string, change: Decimal) => {
    sum = sum.add(change)
    if (!change.isZero()) rows.push({ what, rule, amount: formatMoney(change, row.currency) })
  }
  add('credit_applied', originsRule(origins), parseExact(row.credit_applied).neg())
  add('credited', 'taken back by credit notes', parseExact(row.credited).neg())
  const back = creditToGiveBack({ ...row, isVoid })
  add('credit_given_back', `${backRule(isVoid)}, and is there for other invoices`, back)
  add('left_over', 'below zero: taken off the next invoices', leftOver)
  const rest = parseExact(amount_due).sub(sum)
  if (isVoid) add('void', 'nothing of it is asked any more', rest)
  else add('paid', 'settled in money, as far as it was not credited', rest)
  const parts = [row.total, ...rows.map(({ amount }) => amount)].map((amount) =>
    formatMoney(parseExact(amount), row.currency),
  )
  const rule = rows.length === 0 ? 'the total' : `from the total on: ${sumText(parts)}`
  return [...rows, { what: 'amount_due', rule, amount: amount_due }]
}

function originsRule(origins: readonly CreditOrigin[]): string {
  const parts = origins.map(({ number, total, amount }) => {
    return `${amount} of ${number} (${total.replace('-', '−')})`
  })
  return `what earlier invoices below zero left over, the oldest first: ${parts.join(', ')}`
}

function backRule(isVoid: boolean): string {
  return isVoid ? 'credit that a void invoice took' : 'credit that was taken and is credited again'
}

/** `10.00 − 3.00 + 1.00`. */
export function sumText([first = '0', ...amounts]: string[]): string {
  const signed = amounts.map((amount) =>
    amount.startsWith('-') ? ` − ${amount.slice(1)}` : ` + ${amount}`,
  )
  return [first, ...signed].join('')
}
