import type { Timing } from '../../catalog/charge-types.ts'
import { type Decimal, formatMoney, formatPrice, NOTHING, parseAmount } from '../../lib/money.ts'
import type { ChargeLine, MathStep, PartOfPeriod, Step, StepKind } from './types.ts'

export type ExactStep = Step & { kind: StepKind; group: string | null; factor: Decimal }

export type LineToWrite = {
  charge: number
  description: string
  meter: string
  quantity: Decimal
  unit: string
  currency: string
  timing: Timing
  part: PartOfPeriod | null
  steps: readonly ExactStep[]
}

const ONE = parseAmount('1')

/** The one place where an amount of a bill is rounded. */
export function chargeLine(toWrite: LineToWrite): ChargeLine {
  const { quantity, currency, steps, ...line } = toWrite
  const amount = steps.reduce((sum, step) => sum.add(step.amount), NOTHING)
  const unitPrice = singlePrice(toWrite)
  return {
    ...line,
    quantity: quantity.toFixed(),
    unit_price: unitPrice === null ? null : formatPrice(unitPrice, currency),
    amount: formatMoney(amount, currency),
    math: steps.map(mathStep),
  }
}

/** An amount that is no price of usage: a fee, or what is missing to a minimum. */
export function amountStep(kind: StepKind, amount: Decimal): ExactStep {
  return { ...priced(ONE, amount), kind, group: null, factor: ONE }
}

/** A quantity at a price, without tiers or factors. */
export function quantityStep(kind: StepKind, quantity: Decimal, unitPrice: Decimal): ExactStep {
  return { ...priced(quantity, unitPrice), kind, group: null, factor: ONE }
}

function priced(quantity: Decimal, unitPrice: Decimal): Step {
  const amount = quantity.mul(unitPrice)
  return { from: NOTHING, upTo: null, quantity, unitPrice, flat: NOTHING, amount }
}

/** Only if quantity × price is all that the line says. */
function singlePrice({ quantity, part, steps }: LineToWrite): Decimal | null {
  const [step, second] = steps
  if (step === undefined || second !== undefined) return null
  if (step.kind === 'package' || (step.kind === 'fee' && part !== null)) return null
  const plain = step.flat.isZero() && step.factor.eq(1) && step.quantity.eq(quantity)
  return plain ? step.unitPrice : null
}

function mathStep(step: ExactStep): MathStep {
  return {
    kind: step.kind,
    group: step.group,
    from: step.from.toFixed(),
    up_to: step.upTo === null ? null : step.upTo.toFixed(),
    quantity: step.quantity.toFixed(),
    unit_price: step.unitPrice.toFixed(),
    flat: step.flat.toFixed(),
    factor: step.factor.toFixed(),
    amount: step.amount.toFixed(),
  }
}
