import type { PlanTerms } from '../catalog/types.ts'
import { type Micros, numberFromMicros } from '../lib/micros.ts'
import {
  type Decimal,
  decimalFromMicros,
  formatMoney,
  formatPrice,
  NOTHING,
  parseAmount,
  roundMoney,
} from '../lib/money.ts'

/** What a line measures: the plan's fee, units of usage, or credits. */
export type Meter = 'base' | 'units' | 'credits'

/** Amounts are decimal strings in the period's currency. `amount` is rounded, `unit_price` never. */
export type RatedLine = {
  description: string
  meter: Meter
  quantity: number
  unit_price: string
  amount: string
}

export type RatedPeriod = {
  currency: string
  lines: RatedLine[]
  subtotal: string
  total: string
}

export type PeriodUsage = {
  terms: PlanTerms
  /** Counted quantity in the period, overage included. */
  used: Micros
  creditsBurned: Micros
}

/**
 * What a period costs by what was counted in it so far. Each line is rounded once, half-even, and
 * the totals are sums of the rounded lines, so that a reader who adds them up finds the same.
 */
export function rateRunningPeriod({ terms, used, creditsBurned }: PeriodUsage): RatedPeriod {
  const { currency } = terms.price
  const lines: RatedLine[] = []
  let total = NOTHING
  const add = (description: string, meter: Meter, quantity: Micros, unitPrice: Decimal) => {
    const amount = roundMoney(decimalFromMicros(quantity).mul(unitPrice), currency)
    total = total.add(amount)
    lines.push({
      description,
      meter,
      quantity: numberFromMicros(quantity),
      unit_price: formatPrice(unitPrice, currency),
      amount: formatMoney(amount, currency),
    })
  }

  addBaseFee(terms, add)
  addUnits(terms, used, add)
  addCredits(terms, creditsBurned, add)
  const sum = formatMoney(total, currency)
  return { currency, lines, subtotal: sum, total: sum }
}

type AddLine = (description: string, meter: Meter, quantity: Micros, unitPrice: Decimal) => void

const ONE: Micros = 1_000_000n

function addBaseFee({ plan, price }: PlanTerms, add: AddLine): void {
  const base = parseAmount(price.base)
  if (!base.isZero()) add(`Base fee, plan ${plan}`, 'base', ONE, base)
}

/** Included units have a line of their own, so that every counted unit can be found on the bill. */
function addUnits({ price }: PlanTerms, used: Micros, add: AddLine): void {
  const included = used < price.included ? used : price.included
  if (price.included > 0n) {
    add(`Calls, of ${numberFromMicros(price.included)} included`, 'units', included, NOTHING)
  }
  const perUnit = parseAmount(price.perUnit)
  if (perUnit.isZero()) return
  add(
    price.included > 0n ? 'Calls beyond those included' : 'Calls',
    'units',
    used - included,
    perUnit,
  )
}

function addCredits({ credits }: PlanTerms, burned: Micros, add: AddLine): void {
  if (credits === 'required' || burned > 0n) {
    add('Credits used, paid in advance', 'credits', burned, NOTHING)
  }
}
