import { type Decimal, formatMoney, NOTHING, parseExact, roundMoney } from '../../lib/money.ts'

export type CreditToSplit = {
  /** With tax. */
  total: string
  /** Percent; null: no tax is shown. */
  taxRate: string | null
  currency: string
  /** By the notes before it, with tax, and the tax in that. */
  creditedBefore: string
  taxBefore: string
}

/**
 * The tax within a credit: what all notes of the invoice together should have taken back by now, less
 * what those before it did. So the taxes of notes that credit an invoice in full come to its own tax,
 * to the cent, however many there are. Pure.
 */
export function taxOfCredit(credit: CreditToSplit): string {
  const { taxRate, currency } = credit
  if (taxRate === null) return formatMoney(NOTHING, currency)
  const total = parseExact(credit.total)
  const gross = parseExact(credit.creditedBefore).add(total)
  const net = roundMoney(gross.mul(100).div(parseExact(taxRate).add(100)), currency)
  const due = gross.sub(net).sub(parseExact(credit.taxBefore))
  return formatMoney(between(NOTHING, due, total), currency)
}

/** A cent that was rounded the other way before is not worth an amount below zero. */
function between(least: Decimal, value: Decimal, most: Decimal): Decimal {
  if (value.lt(least)) return least
  return value.gt(most) ? most : value
}
