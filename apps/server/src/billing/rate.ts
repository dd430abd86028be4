import type { Charge } from '../catalog/charge-types.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { type Micros, numberFromMicros } from '../lib/micros.ts'
import { decimalFromMicros, formatMoney, formatPrice, NOTHING, parseExact } from '../lib/money.ts'
import { rateCharges } from './pricing/rate-charges.ts'
import type { ChargeLine, Readings } from './pricing/types.ts'

/**
 * Amounts are decimal strings in the period's currency. `amount` is rounded. `unit_price` is not, but
 * where a line has several prices it is their average.
 */
export type RatedLine = {
  description: string
  /** `base` for a fee, else what is measured. */
  meter: string
  quantity: number
  unit_price: string
  amount: string
}

export type RatedPeriod = {
  currency: string
  lines: RatedLine[]
  subtotal: string
  total: string
}

export type PeriodUsage = {
  terms: PlanTerms
  /** Counted quantity in the period, overage included. */
  used: Micros
  creditsBurned: Micros
  /** Credits that reported calls cost beyond the balance. */
  creditsOverage?: Micros
}

/**
 * What a period costs by what its account counted so far. Each line is rounded once, half-even, and
 * the totals are sums of the rounded lines, so that a reader who adds them up finds the same.
 *
 * An account counts units and credits. Charges on other meters are lines without an amount, and
 * their names say that they are not in the total.
 */
export function rateRunningPeriod({ terms, ...usage }: PeriodUsage): RatedPeriod {
  const { currency, charges } = terms.price
  const price = { currency, charges: charges.filter(isCounted) }
  const lines = rateCharges({ price, readings: readingsOf(usage) }).map((line) =>
    ratedLine(line, currency),
  )
  const total = lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
  const sum = formatMoney(total, currency)
  const others = charges.filter((charge) => !isCounted(charge))
  return {
    currency,
    lines: [...lines, ...others.map((charge) => unmeasuredLine(charge, currency))],
    subtotal: sum,
    total: sum,
  }
}

function isCounted(charge: Charge): boolean {
  return !('meter' in charge) || charge.meter.definition === null
}

function readingsOf({ used, creditsBurned, creditsOverage = 0n }: Omit<PeriodUsage, 'terms'>) {
  const reading = (micros: Micros) => [{ group: {}, quantity: decimalFromMicros(micros) }]
  const readings: Readings = new Map([
    ['units', reading(used)],
    ['credits', reading(creditsBurned)],
    ['overage_credits', reading(creditsOverage)],
  ])
  return readings
}

function ratedLine(line: ChargeLine, currency: string): RatedLine {
  const { description, meter, amount } = line
  const quantity = numberFromMicros(BigInt(parseExact(line.quantity).mul(1_000_000).toFixed()))
  const unit_price = line.unit_price ?? averagePrice(line, currency)
  return { description, meter, quantity, unit_price, amount }
}

const AVERAGE_DECIMALS = 12

function averagePrice({ quantity, math }: ChargeLine, currency: string): string {
  const all = parseExact(quantity)
  if (all.isZero()) return formatPrice(NOTHING, currency)
  const amount = math.reduce((sum, step) => sum.add(parseExact(step.amount)), NOTHING)
  return formatPrice(amount.div(all).toDecimalPlaces(AVERAGE_DECIMALS), currency)
}

function unmeasuredLine(charge: Charge, currency: string): RatedLine {
  return {
    description: `${charge.name}: on the invoice, not in this total`,
    meter: 'meter' in charge ? charge.meter.name : 'base',
    quantity: 0,
    unit_price: formatPrice(NOTHING, currency),
    amount: formatMoney(NOTHING, currency),
  }
}
