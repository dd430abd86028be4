import { parseAmount } from '../lib/money.ts'
import type { PrepaidCreditsCharge } from './charge-types.ts'
import type { PlanPrice } from './types.ts'

/** How credits are sold at a price, and which of its charges says so; null: they are not. */
export function soldCredits({
  charges,
}: PlanPrice): { charge: PrepaidCreditsCharge; index: number } | null {
  const index = charges.findIndex(({ model }) => model === 'prepaid_credits')
  const charge = charges[index]
  if (charge?.model !== 'prepaid_credits') return null
  return parseAmount(charge.creditPrice).isZero() ? null : { charge, index }
}
