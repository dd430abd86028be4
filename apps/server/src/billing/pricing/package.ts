import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Step } from './types.ts'

/** Whole packages: who begins one pays for it. The step's quantity is how many. */
export function packageSteps(size: string, price: string, quantity: Decimal): Step[] {
  const [each, unitPrice] = [parseAmount(size), parseAmount(price)]
  const full = quantity.divToInt(each)
  const packages = full.mul(each).lt(quantity) ? full.add(1) : full
  const amount = packages.mul(unitPrice)
  return [{ from: NOTHING, upTo: null, quantity: packages, unitPrice, flat: NOTHING, amount }]
}
