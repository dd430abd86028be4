import { Decimal as BaseDecimal } from 'decimal.js'

/** An exact decimal. Sums and products of prices and quantities never lose a digit in it. */
export type Decimal = BaseDecimal

// A copy, so that no other user of the library can change how money is rounded. 110 digits hold every
// quantity (42 digits) times every price (27) times two factors (9 each) and sums of a billion such.
const Exact = BaseDecimal.clone({ precision: 110, rounding: BaseDecimal.ROUND_HALF_EVEN })
const AMOUNT = /^-?\d{1,15}(\.\d{1,12})?$/
const EXACT = /^-?\d{1,60}(\.\d{1,50})?$/
const QUANTITY_DIGITS_MAX = 24
const QUANTITY_DECIMALS_MAX = 18
const currencies = new Set(Intl.supportedValuesOf('currency'))
const digitsByCurrency = new Map<string, number>()

export const NOTHING: Decimal = new Exact(0)

/** Whether the text is a decimal such as `12`, `-3.50` or `0.000001`, with at most 12 decimals. */
export function isAmount(text: string): boolean {
  return AMOUNT.test(text)
}

/** Whether it is a currency's ISO 4217 code, in capitals. */
export function isCurrency(code: string): boolean {
  return currencies.has(code)
}

export function parseAmount(text: string): Decimal {
  if (!isAmount(text)) throw new RangeError(`“${text}” is not a decimal amount such as 12.50`)
  return new Exact(text)
}

/** Whether the text is a decimal without an exponent, of at most 60 digits and 50 decimals. */
export function isExact(text: string): boolean {
  return EXACT.test(text)
}

/** What was worked out from amounts and quantities; it may have more digits than an amount. */
export function parseExact(text: string): Decimal {
  if (!isExact(text)) throw new RangeError(`“${text}” is not a decimal such as 12.5`)
  return new Exact(text)
}

/** Whether it can be measured and billed: finite, with at most 24 digits and 18 decimals. */
export function isQuantity(value: Decimal): boolean {
  if (!value.isFinite() || value.decimalPlaces() > QUANTITY_DECIMALS_MAX) return false
  return value.trunc().abs().lt(new Exact(10).pow(QUANTITY_DIGITS_MAX))
}

/** A count of millionths as an exact decimal. */
export function decimalFromMicros(micros: bigint): Decimal {
  // By its exponent: a division takes several times as long, and every entry is measured by this.
  return new Exact(`${micros}e-6`)
}

/** Half-even, to the currency's smallest unit. */
export function roundMoney(value: Decimal, currency: string): Decimal {
  return value.toDecimalPlaces(minorDigits(currency), BaseDecimal.ROUND_HALF_EVEN)
}

/** Rounded, with exactly the currency's digits: `25.00` in USD, `25` in JPY. */
export function formatMoney(value: Decimal, currency: string): string {
  return roundMoney(value, currency).toFixed(minorDigits(currency))
}

/** Never rounded, with at least the currency's digits: a unit price of `0.1` is `0.10` in USD. */
export function formatPrice(value: Decimal, currency: string): string {
  return value.toFixed(Math.max(value.decimalPlaces(), minorDigits(currency)))
}

function minorDigits(currency: string): number {
  let digits = digitsByCurrency.get(currency)
  if (digits === undefined) {
    if (!isCurrency(currency)) throw new RangeError(`“${currency}” is not an ISO 4217 currency`)
    const format = new Intl.NumberFormat('en', { style: 'currency', currency })
    digits = format.resolvedOptions().maximumFractionDigits ?? 2
    digitsByCurrency.set(currency, digits)
  }
  return digits
}
