import type { TaxOfRate } from '@tollgate/contract'
import {
  type Decimal,
  formatMoney,
  isCurrency,
  NOTHING,
  parseAmount,
  parseExact,
  roundMoney,
} from '../../lib/money.ts'

/** Percent and amounts are decimal strings. */
export type Discount =
  | { description: string; kind: 'percentage'; percent: string }
  | { description: string; kind: 'amount'; amount: string }

export type InvoiceToTotal = {
  currency: string
  /** Of the charges, each rounded already. */
  lines: readonly { amount: string }[]
  /** What the charges must come to at least, before discounts and tax; null: nothing. */
  minimumCommitment?: string | null
  /** One after the other, each on what the ones before it left. */
  discounts?: readonly Discount[]
  /**
   * Of earlier periods: commitment and discounts of this one have nothing to do with them, and they are
   * taxed as those were. `taxRate` not given: as this one.
   */
  corrections?: readonly { amount: string; taxRate?: string | null }[]
  /** Percent, as in `19`; null: no tax is shown. */
  taxRate?: string | null
}

export type TotalLine = {
  kind: 'minimum_commitment' | 'discount'
  description: string
  amount: string
}

/**
 * `subtotal` is the sum of all lines, these included; `total` is `subtotal` + `tax`. `taxes` are by
 * rate, that of the invoice first, and add up to `subtotal` and `tax`.
 */
export type InvoiceTotals = {
  lines: TotalLine[]
  subtotal: string
  tax_rate: string | null
  tax: string
  taxes: TaxOfRate[]
  total: string
}

/**
 * From the lines of charges to what is due. Discounts are lines below zero, and never take more than
 * there is. The tax is worked out once for each rate, on the sum of its lines, half-even: by line it
 * would be off by up to half a cent for each.
 * @throws RangeError for a percentage below 0 or above 100, an amount below 0, a line not rounded
 */
export function totalInvoice(invoice: InvoiceToTotal): InvoiceTotals {
  const { currency, minimumCommitment = null, discounts = [], taxRate = null } = invoice
  if (!isCurrency(currency)) throw new RangeError(`“${currency}” is not an ISO 4217 currency`)
  const lines: TotalLine[] = []
  let subtotal = invoice.lines.reduce(
    (sum, { amount }) => sum.add(roundedAmount(amount, currency)),
    NOTHING,
  )
  const add = (kind: TotalLine['kind'], description: string, amount: Decimal) => {
    subtotal = subtotal.add(amount)
    lines.push({ kind, description, amount: formatMoney(amount, currency) })
  }

  if (minimumCommitment !== null) {
    const missing = roundMoney(notNegative(minimumCommitment), currency).sub(subtotal)
    if (missing.gt(0)) add('minimum_commitment', 'Up to the minimum commitment', missing)
  }
  for (const discount of discounts) {
    const taken = discountOf(discount, subtotal, currency)
    if (!taken.isZero()) add('discount', discount.description, taken.neg())
  }
  const taxes = taxesOf(currency, [
    { taxRate, amount: formatMoney(subtotal, currency) },
    ...(invoice.corrections ?? []).map(({ amount, taxRate: rate = taxRate }) => {
      return { taxRate: rate, amount }
    }),
  ])
  const sum = sumOf(taxes.map((of) => of.subtotal))
  const tax = sumOf(taxes.map((of) => of.tax))
  return {
    lines,
    subtotal: formatMoney(sum, currency),
    tax_rate: taxRate,
    tax: formatMoney(tax, currency),
    taxes,
    total: formatMoney(sum.add(tax), currency),
  }
}

/** By rate, in the order in which they come. */
function taxesOf(
  currency: string,
  lines: readonly { taxRate: string | null; amount: string }[],
): TaxOfRate[] {
  const sums: { taxRate: string | null; sum: Decimal }[] = []
  for (const { taxRate, amount } of lines) {
    const value = roundedAmount(amount, currency)
    const same = sums.find((one) => isSameRate(one.taxRate, taxRate))
    if (same === undefined) sums.push({ taxRate, sum: value })
    else same.sum = same.sum.add(value)
  }
  return sums.map(({ taxRate, sum }) => ({
    tax_rate: taxRate,
    subtotal: formatMoney(sum, currency),
    tax: formatMoney(taxRate === null ? NOTHING : taxOf(sum, taxRate, currency), currency),
  }))
}

/** `19` and `19.00` are one rate; none and `0` are two. */
export function isSameRate(one: string | null, other: string | null): boolean {
  if (one === null || other === null) return one === other
  return parseAmount(one).eq(parseAmount(other))
}

/** The rates that something is taxed by, or is free of tax by; the own one where there is nothing. */
export function usedTaxes(taxes: readonly TaxOfRate[]): readonly TaxOfRate[] {
  const used = taxes.filter(({ subtotal, tax }) => {
    return !parseExact(subtotal).isZero() || !parseExact(tax).isZero()
  })
  return used.length === 0 ? taxes.slice(0, 1) : used
}

function sumOf(amounts: readonly string[]): Decimal {
  return amounts.reduce((sum, amount) => sum.add(parseExact(amount)), NOTHING)
}

/** What commitment and discounts make of the charges of a period, together. */
export function closingAmount(invoice: Omit<InvoiceToTotal, 'corrections' | 'taxRate'>): string {
  const { lines } = totalInvoice(invoice)
  return formatMoney(sumOf(lines.map(({ amount }) => amount)), invoice.currency)
}

function discountOf(discount: Discount, left: Decimal, currency: string): Decimal {
  if (left.lte(0)) return NOTHING
  if (discount.kind === 'percentage') {
    return roundMoney(left.mul(percent(discount.percent)), currency)
  }
  const amount = roundMoney(notNegative(discount.amount), currency)
  return amount.lt(left) ? amount : left
}

/** Below zero as well: what is credited takes its tax back. */
function taxOf(subtotal: Decimal, rate: string, currency: string): Decimal {
  return roundMoney(subtotal.mul(percent(rate)), currency)
}

function percent(text: string): Decimal {
  const value = notNegative(text)
  if (value.gt(100)) throw new RangeError(`${text} % is more than 100 %`)
  return value.div(100)
}

function notNegative(text: string): Decimal {
  const value = parseAmount(text)
  if (value.isNegative()) throw new RangeError(`${text} is below zero`)
  return value
}

function roundedAmount(text: string, currency: string): Decimal {
  const value = parseExact(text)
  if (!roundMoney(value, currency).eq(value)) {
    throw new RangeError(`${text} ${currency} is not rounded`)
  }
  return value
}
