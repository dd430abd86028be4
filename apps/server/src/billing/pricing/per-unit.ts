import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Step } from './types.ts'

/** The same price for each unit and for parts of one. */
export function perUnitSteps(unitPrice: string, quantity: Decimal): Step[] {
  const price = parseAmount(unitPrice)
  const amount = quantity.mul(price)
  return [{ from: NOTHING, upTo: null, quantity, unitPrice: price, flat: NOTHING, amount }]
}
