import type { Charge, Timing } from '../../catalog/charge-types.ts'
import type { PlanPrice } from '../../catalog/types.ts'
import { type Decimal, isQuantity, NOTHING } from '../../lib/money.ts'
import { flatLines } from './flat.ts'
import { prepaidCreditsLines } from './prepaid-credits.ts'
import type { ChargeLine, PartOfPeriod, Reading, Readings } from './types.ts'
import { usageLines } from './usage.ts'

/** What is prorated alike. */
export type ChargeClass = Timing | 'usage'

export type ChargesToRate = {
  price: PlanPrice
  readings: Readings
  /** The part of the period in which the price held; left out: all of it. */
  part?: PartOfPeriod | null
  /** Only fees of this timing, or only what was measured; left out: everything. */
  only?: ChargeClass
}

/**
 * The lines of a bill: what each charge asks for what was measured. Pure and exact: each line is
 * rounded once, and its math adds up to what was rounded.
 * @throws RangeError when a meter of the price has not been read, or measured what is no quantity
 */
export function rateCharges({ price, readings, part = null, only }: ChargesToRate): ChargeLine[] {
  return price.charges.flatMap((charge, index) => {
    if (only !== undefined && only !== classOf(charge)) return []
    if (charge.model === 'flat') return flatLines(charge, index, price.currency, part)
    if (charge.model === 'prepaid_credits') {
      const burned = sum(readingsOf(readings, 'credits'))
      const owed = sum(readingsOf(readings, 'overage_credits'))
      return prepaidCreditsLines(charge, index, price.currency, { burned, owed })
    }
    const measured = readingsOf(readings, charge.meter.name)
    return usageLines(charge, index, price.currency, measured, part)
  })
}

function classOf(charge: Charge): ChargeClass {
  return charge.model === 'flat' ? charge.timing : 'usage'
}

function readingsOf(readings: Readings, meter: string): readonly Reading[] {
  const found = readings.get(meter)
  if (found === undefined) throw new RangeError(`The meter “${meter}” has not been read`)
  const wrong = found.find(({ quantity }) => !isQuantity(quantity))
  if (wrong !== undefined) {
    throw new RangeError(`The meter “${meter}” cannot have measured ${wrong.quantity}`)
  }
  return found
}

function sum(readings: readonly Reading[]): Decimal {
  const all = readings.reduce((before, { quantity }) => before.add(quantity), NOTHING)
  return all.isNegative() ? NOTHING : all
}
