import type { FlatCharge } from '../../catalog/charge-types.ts'
import { type Decimal, parseAmount } from '../../lib/money.ts'
import { amountStep, chargeLine, type ExactStep } from './charge-line.ts'
import { prorate, shareOfPeriod } from './prorate.ts'
import type { ChargeLine, PartOfPeriod } from './types.ts'

/** A fee of nothing is no line. */
export function flatLines(
  charge: FlatCharge,
  index: number,
  currency: string,
  part: PartOfPeriod | null,
): ChargeLine[] {
  const fee = parseAmount(charge.amount)
  if (fee.isZero()) return []
  const line = chargeLine({
    charge: index,
    description: charge.name,
    meter: 'base',
    quantity: parseAmount('1'),
    unit: 'period',
    currency,
    timing: charge.timing,
    part,
    steps: [feeStep(fee, currency, part)],
  })
  return [line]
}

// What begins with the period may be rounded with the line; what begins later must be what the parts
// before it left, or they would not add up to the fee.
function feeStep(fee: Decimal, currency: string, part: PartOfPeriod | null): ExactStep {
  if (part === null) return amountStep('fee', fee)
  if (part.from_ms === 0) return amountStep('fee', prorate(fee, part.to_ms, part.whole_ms))
  return amountStep('fee', shareOfPeriod(fee, part, currency))
}
