import type { PrepaidCreditsCharge } from '../../catalog/charge-types.ts'
import { soldCredits } from '../../catalog/credit-price.ts'
import type { PlanPrice } from '../../catalog/types.ts'
import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import { chargeLine, quantityStep } from './charge-line.ts'
import type { ChargeLine } from './types.ts'

/** The meter of credits that were bought in a period; no plan can charge by it. */
export const BOUGHT_CREDITS = 'credits_bought'

/** Burned credits were paid when they were bought; those owed beyond the balance are charged. */
export function prepaidCreditsLines(
  charge: PrepaidCreditsCharge,
  index: number,
  currency: string,
  credits: { burned: Decimal; owed: Decimal },
): ChargeLine[] {
  const lines: ChargeLine[] = []
  const price = parseAmount(charge.creditPrice)
  if (charge.alwaysShown || credits.burned.gt(0)) {
    const description = `${charge.name}, paid in advance`
    lines.push(creditsLine('credits', description, index, currency, credits.burned, NOTHING))
  }
  if (credits.owed.gt(0) && !price.isZero()) {
    const description = `${charge.name} beyond those paid for`
    lines.push(creditsLine('overage_credits', description, index, currency, credits.owed, price))
  }
  return lines
}

/** What credits cost when they are bought; null where the plan sells none. */
export function boughtCreditsLine(price: PlanPrice, credits: Decimal): ChargeLine | null {
  const sold = soldCredits(price)
  if (sold === null) return null
  const { charge, index } = sold
  const creditPrice = parseAmount(charge.creditPrice)
  const name = `${charge.name}, bought`
  const line = creditsLine(BOUGHT_CREDITS, name, index, price.currency, credits, creditPrice)
  return { ...line, timing: 'in_advance' }
}

function creditsLine(
  meter: string,
  description: string,
  charge: number,
  currency: string,
  quantity: Decimal,
  unitPrice: Decimal,
): ChargeLine {
  return chargeLine({
    charge,
    description,
    meter,
    quantity,
    unit: 'credits',
    currency,
    timing: 'in_arrears',
    part: null,
    steps: [quantityStep('usage', quantity, unitPrice)],
  })
}
