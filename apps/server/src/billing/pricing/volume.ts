import type { Tier } from '../../catalog/charge-types.ts'
import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Step } from './types.ts'

/**
 * All units at the price of the tier that the last one falls into, and that tier's flat amount. So one
 * unit more can make all of them cheaper; a minimum keeps the whole from falling below an amount.
 */
export function volumeSteps(tiers: readonly Tier[], quantity: Decimal): Step[] {
  if (quantity.isZero()) return []
  const index = tiers.findIndex(({ upTo }) => upTo === null || quantity.lte(parseAmount(upTo)))
  const tier = tiers[index]
  if (tier === undefined) throw new RangeError('The last tier must be open')
  const [unitPrice, flat] = [parseAmount(tier.unitPrice), parseAmount(tier.flat)]
  const before = tiers[index - 1]?.upTo ?? null
  return [
    {
      from: before === null ? NOTHING : parseAmount(before),
      upTo: tier.upTo === null ? null : parseAmount(tier.upTo),
      quantity,
      unitPrice,
      flat,
      amount: quantity.mul(unitPrice).add(flat),
    },
  ]
}
