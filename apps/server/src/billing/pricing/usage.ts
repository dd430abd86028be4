import type { PriceModel, UsageCharge } from '../../catalog/charge-types.ts'
import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import { amountStep, chargeLine, type ExactStep, quantityStep } from './charge-line.ts'
import { graduatedSteps } from './graduated.ts'
import { type Group, groupsOf } from './groups.ts'
import { packageSteps } from './package.ts'
import { perUnitSteps } from './per-unit.ts'
import { percentageSteps } from './percentage.ts'
import { prorateByLength } from './prorate.ts'
import type { ChargeLine, PartOfPeriod, Reading, Step } from './types.ts'
import { volumeSteps } from './volume.ts'

const INCLUDED_DECIMALS = 6

/**
 * One line for what is included, if anything is, and one for the rest: each group by the model (with
 * tiers and packages of its own) times its factor; then minimum and maximum, for the sum of all.
 */
export function usageLines(
  charge: UsageCharge,
  index: number,
  currency: string,
  readings: readonly Reading[],
  part: PartOfPeriod | null,
): ChargeLine[] {
  const included = prorateByLength(parseAmount(charge.included), part).toDecimalPlaces(
    INCLUDED_DECIMALS,
  )
  const groups = groupsOf(readings, charge.factors)
  const { charged, taken } = takeIncluded(groups, included)
  const line = (description: string, quantity: Decimal, steps: ExactStep[]) =>
    chargeLine({
      charge: index,
      description,
      meter: charge.meter.name,
      quantity,
      unit: charge.meter.unit,
      currency,
      timing: 'in_arrears',
      part,
      steps,
    })

  const rest = charged.reduce((sum, { quantity }) => sum.add(quantity), NOTHING)
  const steps = withBounds(
    charged.flatMap((group) => groupSteps(charge, group)),
    charge,
    part,
  )
  if (included.isZero()) return [line(charge.name, rest, steps)]
  const ofIncluded = line(`${charge.name}, of ${included.toFixed()} included`, taken, [
    { ...quantityStep('included', taken, NOTHING), upTo: included },
  ])
  if (isFree(charge)) return [ofIncluded]
  return [ofIncluded, line(`${charge.name} beyond those included`, rest, steps)]
}

function takeIncluded(groups: readonly Group[], included: Decimal) {
  let left = included
  const charged = groups.map((group) => {
    const taken = group.quantity.lt(left) ? group.quantity : left
    left = left.sub(taken)
    return { ...group, quantity: group.quantity.sub(taken) }
  })
  return { charged, taken: included.sub(left) }
}

function groupSteps(charge: UsageCharge, { name, factor, quantity }: Group): ExactStep[] {
  const kind = charge.model === 'package' ? 'package' : 'usage'
  return modelSteps(charge, quantity).map((step) => {
    return { ...step, kind, group: name, factor, amount: step.amount.mul(factor) }
  })
}

function modelSteps(model: PriceModel, quantity: Decimal): Step[] {
  switch (model.model) {
    case 'per_unit':
      return perUnitSteps(model.unitPrice, quantity)
    case 'graduated':
      return graduatedSteps(model.tiers, quantity)
    case 'volume':
      return volumeSteps(model.tiers, quantity)
    case 'package':
      return packageSteps(model.size, model.price, quantity)
    case 'percentage':
      return percentageSteps(model.rate, quantity)
  }
}

function withBounds(
  steps: ExactStep[],
  { minimum, maximum }: UsageCharge,
  part: PartOfPeriod | null,
): ExactStep[] {
  const sum = steps.reduce((before, { amount }) => before.add(amount), NOTHING)
  const bound = (amount: string) => prorateByLength(parseAmount(amount), part)
  if (minimum !== null && sum.lt(bound(minimum))) {
    return [...steps, amountStep('minimum', bound(minimum).sub(sum))]
  }
  if (maximum !== null && sum.gt(bound(maximum))) {
    return [...steps, amountStep('maximum', bound(maximum).sub(sum))]
  }
  return steps
}

/** A plan that only includes units, and stops there, has no price to show for more of them. */
function isFree(charge: UsageCharge): boolean {
  const priced = charge.minimum !== null && !parseAmount(charge.minimum).isZero()
  return charge.model === 'per_unit' && parseAmount(charge.unitPrice).isZero() && !priced
}
