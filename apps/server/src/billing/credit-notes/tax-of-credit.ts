import type { TaxOfRate } from '@tollgate/contract'
import { type Decimal, formatMoney, NOTHING, parseExact, roundMoney } from '../../lib/money.ts'
import { isSameRate } from '../pricing/totals.ts'

/**
 * What a credit takes back of each rate of an invoice, in proportion to what is left of it: so notes that
 * credit all of it take back all of each, to the cent. Pure.
 * @param total with tax, and never more than is left
 * @param before what notes before it took back, by rate
 */
export function creditByRate(
  { taxes, currency }: { taxes: readonly TaxOfRate[]; currency: string },
  total: string,
  before: readonly TaxOfRate[],
): TaxOfRate[] {
  const rates = taxes.map(({ tax_rate, ...asked }) => {
    const back = sumOfRate(before, tax_rate)
    const left = parseExact(asked.subtotal).add(parseExact(asked.tax)).sub(back.total)
    return { tax_rate, back, left }
  })
  const left = rates.reduce((sum, rate) => sum.add(rate.left), NOTHING)
  let rest = parseExact(total)
  const parts = rates.map((rate, index) => {
    const share = left.lte(NOTHING) ? NOTHING : parseExact(total).mul(rate.left).div(left)
    const part = index === rates.length - 1 ? rest : roundMoney(share, currency)
    rest = rest.sub(part)
    return { ...rate, part }
  })
  return parts.map(({ tax_rate, back, part }) => {
    const tax = taxOfCredit({
      total: part.toFixed(),
      taxRate: tax_rate,
      currency,
      creditedBefore: back.total.toFixed(),
      taxBefore: back.tax.toFixed(),
    })
    return { tax_rate, subtotal: formatMoney(part.sub(parseExact(tax)), currency), tax }
  })
}

function sumOfRate(taxes: readonly TaxOfRate[], rate: string | null) {
  const same = taxes.filter(({ tax_rate }) => isSameRate(tax_rate, rate))
  const sum = (amounts: string[]) =>
    amounts.reduce((before, amount) => before.add(parseExact(amount)), NOTHING)
  const tax = sum(same.map((one) => one.tax))
  return { tax, total: sum(same.map(({ subtotal }) => subtotal)).add(tax) }
}

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
  // Of lines below zero, which are on invoices that correct other periods, it is below zero as well.
  const bounds = total.isNegative() ? ([total, NOTHING] as const) : ([NOTHING, total] as const)
  return formatMoney(between(bounds[0], due, bounds[1]), currency)
}

/** A cent that was rounded the other way before is not worth an amount on the other side. */
function between(least: Decimal, value: Decimal, most: Decimal): Decimal {
  if (value.lt(least)) return least
  return value.gt(most) ? most : value
}
