import { rateCharges } from '../src/billing/pricing/rate-charges.ts'
import { type RatedPeriod, runningBill } from '../src/billing/rate.ts'
import type { PlanTerms } from '../src/catalog/types.ts'
import { decimalFromMicros } from '../src/lib/money.ts'

type Counted = { used: bigint; creditsBurned: bigint; creditsOverage?: bigint }

/** The bill of a plan whose charges need nothing but units and credits. */
export function billOfCounted(
  terms: PlanTerms,
  { used, creditsBurned, creditsOverage = 0n }: Counted,
): RatedPeriod {
  const reading = (micros: bigint) => [{ group: {}, quantity: decimalFromMicros(micros) }]
  const readings = new Map([
    ['units', reading(used)],
    ['credits', reading(creditsBurned)],
    ['overage_credits', reading(creditsOverage)],
  ])
  return runningBill(rateCharges({ price: terms.price, readings }), terms.price.currency)
}
