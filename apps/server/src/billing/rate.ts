import { numberFromMicros } from '../lib/micros.ts'
import { formatMoney, formatPrice, NOTHING, parseExact } from '../lib/money.ts'
import type { ChargeLine } from './pricing/types.ts'

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

/**
 * The bill of a running period by the lines of its charges. Totals are sums of rounded lines, so that a
 * reader who adds them up finds the same.
 */
export function runningBill(lines: readonly ChargeLine[], currency: string): RatedPeriod {
  const total = lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
  const sum = formatMoney(total, currency)
  const rated = lines.map((line) => ratedLine(line, currency))
  return { currency, lines: rated, subtotal: sum, total: sum }
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
