import { microsFromNumber } from '../lib/micros.ts'
import { decimalFromMicros, parseAmount } from '../lib/money.ts'
import type { ChargeDefinition } from './charge-schema.ts'
import type { Charge, ChargeMeter, PriceModel } from './charge-types.ts'
import type { MeterDefinition } from './meter-schema.ts'
import type { PlanDefinition } from './schema.ts'

type UsageDefinition = Extract<ChargeDefinition, { meter: string }>

/**
 * All charges of a plan, with the shorthand (`base`, `per_unit`, `included`) written out. Every plan
 * shows the credits that were burned, so one that does not say how gets a charge for it at no cost.
 */
export function compileCharges(
  plan: string,
  { credits, meters }: PlanDefinition,
  price: PlanDefinition['price'],
): Charge[] {
  const alwaysShown = credits === 'required'
  const written = price.charges.map((charge): Charge => {
    if (charge.model === 'flat') return charge
    if (charge.model === 'prepaid_credits') {
      const { model, name, credit_price } = charge
      return { model, name, creditPrice: credit_price, alwaysShown }
    }
    return compileUsage(charge, meters)
  })
  const all = [...shorthandCharges(plan, price), ...written]
  if (all.some(chargesCredits)) return all
  return [...all, { model: 'prepaid_credits', name: 'Credits used', creditPrice: '0', alwaysShown }]
}

function shorthandCharges(plan: string, price: PlanDefinition['price']): Charge[] {
  const charges: Charge[] = []
  if (!parseAmount(price.base).isZero()) {
    const name = `Base fee, plan ${plan}`
    charges.push({ model: 'flat', name, amount: price.base, timing: 'in_advance' })
  }
  if (price.included > 0 || !parseAmount(price.per_unit).isZero()) {
    charges.push({
      model: 'per_unit',
      name: 'Calls',
      meter: compileMeter('units', {}),
      included: decimalText(price.included),
      minimum: null,
      maximum: null,
      factors: { region: new Map(), feature: new Map() },
      unitPrice: price.per_unit,
    })
  }
  return charges
}

function compileUsage(charge: UsageDefinition, meters: PlanDefinition['meters']): Charge {
  const { name, included, minimum, maximum, factors } = charge
  return {
    name,
    meter: compileMeter(charge.meter, meters),
    included,
    minimum,
    maximum,
    factors: { region: compileFactors(factors.region), feature: compileFactors(factors.feature) },
    ...priceModel(charge),
  }
}

function priceModel(charge: UsageDefinition): PriceModel {
  switch (charge.model) {
    case 'per_unit':
      return { model: charge.model, unitPrice: charge.unit_price }
    case 'graduated':
    case 'volume': {
      const tiers = charge.tiers.map(({ up_to, unit_price, flat }) => {
        return { upTo: up_to, unitPrice: unit_price, flat }
      })
      return { model: charge.model, tiers }
    }
    case 'package':
      return { model: charge.model, ...charge.package }
    case 'percentage':
      return { model: charge.model, rate: charge.rate }
  }
}

function compileMeter(name: string, meters: PlanDefinition['meters']): ChargeMeter {
  const definition = Object.hasOwn(meters, name) ? meters[name]! : null
  return { name, unit: definition === null ? name : unitOf(definition), definition }
}

const UNITS: Record<string, string> = {
  file_size_bytes: 'bytes',
  processing_time_ms: 'ms',
  token_count: 'tokens',
  credits: 'credits',
}

function unitOf({ unit, aggregation, field }: MeterDefinition): string {
  if (unit !== null) return unit
  if (aggregation === 'count') return 'calls'
  if (aggregation === 'unique') return 'different values'
  return UNITS[field ?? ''] ?? 'units'
}

function compileFactors(byValue: Record<string, number>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(byValue).map(([value, factor]) => [value.toLowerCase(), decimalText(factor)]),
  )
}

function chargesCredits(charge: Charge): boolean {
  return (
    charge.model === 'prepaid_credits' || ('meter' in charge && charge.meter.name === 'credits')
  )
}

/** The schema lets no number pass that has more than six decimals. */
function decimalText(value: number): string {
  return decimalFromMicros(microsFromNumber(value) ?? 0n).toFixed()
}
