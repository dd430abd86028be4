import { type Decimal, NOTHING, parseExact } from '../../lib/money.ts'

/** What an invoice does to a tenant's credit: what it takes of it, and what is left for the next ones. */
export type CreditUse = { readonly applied: Decimal; readonly balance: Decimal }

/** Taken as far as there is some and the invoice asks for it; an invoice below zero adds to it. Pure. */
export function creditUse(balance: string, total: string): CreditUse {
  const [before, asked] = [parseExact(balance), parseExact(total)]
  if (asked.lte(0)) return { applied: NOTHING, balance: before.sub(asked) }
  const applied = before.lt(asked) ? before : asked
  return { applied, balance: before.sub(applied) }
}

/**
 * How much of the credit that an invoice took belongs to the tenant again: all of it once the invoice is
 * void; what credit notes take back beyond what was asked for in money, which is given back outside. Pure.
 */
export function creditToGiveBack(invoice: {
  total: string
  credited: string
  credit_applied: string
  isVoid: boolean
}): Decimal {
  const applied = parseExact(invoice.credit_applied)
  if (invoice.isVoid) return applied
  const beyond = parseExact(invoice.credited).add(applied).sub(parseExact(invoice.total))
  if (beyond.lte(0)) return NOTHING
  return beyond.lt(applied) ? beyond : applied
}
