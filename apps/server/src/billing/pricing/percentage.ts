import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Step } from './types.ts'

/** A part of what was measured, such as the money that went through an API: `2.5` is 2.5 %. */
export function percentageSteps(rate: string, quantity: Decimal): Step[] {
  const unitPrice = parseAmount(rate).div(100)
  const amount = quantity.mul(unitPrice)
  return [{ from: NOTHING, upTo: null, quantity, unitPrice, flat: NOTHING, amount }]
}
