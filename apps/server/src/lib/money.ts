import { Decimal as BaseDecimal } from 'decimal.js'

/** An exact decimal. Sums and products of prices and quantities never lose a digit in it. */
export type Decimal = BaseDecimal

// A copy, so that no other user of the library can change how money is rounded. 60 digits hold
// every price times every quantity that a bigint column can hold.
const Exact = BaseDecimal.clone({ precision: 60, rounding: BaseDecimal.ROUND_HALF_EVEN })
const AMOUNT = /^-?\d{1,15}(\.\d{1,12})?$/
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

/** A count of millionths as an exact decimal. */
export function decimalFromMicros(micros: bigint): Decimal {
  return new Exact(micros.toString()).div(1_000_000)
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
