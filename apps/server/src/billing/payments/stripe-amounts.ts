import { type Decimal, formatPrice, parseExact } from '../../lib/money.ts'
import { PermanentFailure } from '../../lib/permanent-failure.ts'

// Stripe counts money in whole smallest units, by a list of its own, which is not that of ISO 4217:
// ISK goes in hundredths that are always 00, MGA without any. https://docs.stripe.com/currencies
const WITHOUT_DECIMALS = new Set(
  'BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF'.split(' '),
)
const WITH_THREE_DECIMALS = new Set('BHD JOD KWD OMR TND'.split(' '))
/** That page gives UGX both none and two decimals, and a wrong guess charges a hundred times too much. */
const UNCLEAR = new Set(['UGX'])
/** What is charged must be a multiple of this many smallest units. */
const CHARGED_STEPS = new Map([
  ['ISK', 100],
  ...[...WITH_THREE_DECIMALS].map((currency) => [currency, 10] as const),
])

/** @throws PermanentFailure when Stripe has no such amount: nothing is rounded behind anybody's back */
export function stripeAmount(amount: string, currency: string): number {
  const units = parseExact(amount).mul(unitsPerWhole(currency))
  const value = units.toNumber()
  if (units.isInteger() && Number.isSafeInteger(value)) return value
  throw new PermanentFailure(
    `Stripe cannot be asked for ${amount} ${currency}: it has no such unit`,
  )
}

/** As `stripeAmount`, of what a customer pays in one go. @throws PermanentFailure likewise */
export function stripeTotal(amount: string, currency: string): number {
  const total = stripeAmount(amount, currency)
  const step = CHARGED_STEPS.get(currency) ?? 1
  if (total >= 0 && total % step === 0) return total
  const reason = total < 0 ? 'it is below zero' : `the last digits must be ${String(step).slice(1)}`
  throw new PermanentFailure(`Stripe cannot charge ${amount} ${currency}: ${reason}`)
}

/** An exact decimal with at least the currency's digits. */
export function amountFromStripe(units: number, currency: string): string {
  return formatPrice(parseExact(String(units)).div(unitsPerWhole(currency)), currency)
}

function unitsPerWhole(currency: string): Decimal {
  if (UNCLEAR.has(currency)) {
    throw new PermanentFailure(`Tollgate does not collect ${currency} through Stripe`)
  }
  if (WITHOUT_DECIMALS.has(currency)) return parseExact('1')
  return parseExact(WITH_THREE_DECIMALS.has(currency) ? '1000' : '100')
}
