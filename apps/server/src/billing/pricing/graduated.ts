import type { Tier } from '../../catalog/charge-types.ts'
import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Step } from './types.ts'

/**
 * Each unit at the price of the tier that it falls into; a tier ends with its last unit. The flat
 * amount of a tier is due as soon as anything falls into it.
 */
export function graduatedSteps(tiers: readonly Tier[], quantity: Decimal): Step[] {
  const steps: Step[] = []
  let from = NOTHING
  for (const tier of tiers) {
    if (quantity.lte(from)) break
    const upTo = tier.upTo === null ? null : parseAmount(tier.upTo)
    const end = upTo === null || quantity.lt(upTo) ? quantity : upTo
    const [unitPrice, flat] = [parseAmount(tier.unitPrice), parseAmount(tier.flat)]
    const within = end.sub(from)
    const amount = within.mul(unitPrice).add(flat)
    steps.push({ from, upTo, quantity: within, unitPrice, flat, amount })
    from = end
  }
  return steps
}
