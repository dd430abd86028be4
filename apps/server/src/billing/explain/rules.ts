import type { Charge, ChargeFactors, PriceModel, Tier } from '../../catalog/charge-types.ts'
import type { TaxOfRate } from '@tollgate/contract'
import { parseAmount } from '../../lib/money.ts'
import type { Discount } from '../pricing/totals.ts'

/** By what a line of a charge was worked out, in words. Pure. */
export function chargeRule(charge: Charge, math: readonly { kind: string }[]): string {
  if (charge.model === 'flat') {
    const when = charge.timing === 'in_advance' ? 'in advance' : 'in arrears'
    return `fee of ${charge.amount} for a period, ${when}, for the part in which the plan held`
  }
  if (charge.model === 'prepaid_credits') {
    return `credits: quantity × ${charge.creditPrice} where they are bought or owed, nothing where they were paid before`
  }
  const included = parseAmount(charge.included).isZero()
    ? ''
    : `, after ${grouped(charge.included)} included in a whole period`
  if (math.some(({ kind }) => kind === 'included')) {
    return `included: ${grouped(charge.included)} ${charge.meter.unit} in a whole period at no price`
  }
  return `${modelRule(charge)}${included}${factorsRule(charge.factors)}${boundsRule(charge)}`
}

function modelRule(model: PriceModel): string {
  switch (model.model) {
    case 'per_unit':
      return `per unit: quantity × ${model.unitPrice}`
    case 'graduated':
      return `graduated: each unit at the price of the tier it falls into (${tiersRule(model.tiers)})`
    case 'volume':
      return `volume: all units at the price of the tier the last one falls into (${tiersRule(model.tiers)})`
    case 'package':
      return `packages: ${model.price} for each begun package of ${grouped(model.size)}`
    case 'percentage':
      return `percentage: ${model.rate} % of quantity`
  }
}

function tiersRule(tiers: readonly Tier[]): string {
  return tiers
    .map(({ upTo, unitPrice, flat }) => {
      const which = upTo === null ? 'all above' : `up to ${grouped(upTo)}`
      return `${which}: ${unitPrice}${parseAmount(flat).isZero() ? '' : ` and ${flat} once`}`
    })
    .join('; ')
}

function factorsRule({ region, feature }: ChargeFactors): string {
  const named = (what: string, factors: ReadonlyMap<string, string>) =>
    [...factors].map(([value, factor]) => `${what} ${value}: ${factor}`)
  const all = [...named('region', region), ...named('feature', feature)]
  return all.length === 0 ? '' : `, times the factors (${all.join('; ')}; all others: 1)`
}

function boundsRule({ minimum, maximum }: { minimum: string | null; maximum: string | null }) {
  const least = minimum === null ? '' : `, at least ${minimum} for a whole period`
  return maximum === null ? least : `${least}, at most ${maximum} for a whole period`
}

/** @param voids numbers of invoices that asked for it and are void */
export function adjustmentRule(rule: string, voids: readonly string[]): string {
  const without = voids.length === 0 ? '' : `, not counting ${voids.join(', ')}, now void`
  return `what it costs with the late lines, less what was asked for it until now${without}; ${rule}`
}

/** @param taxes those that anything is taxed by */
export function taxRule(taxes: readonly TaxOfRate[]): string {
  const rules = taxes.map(({ tax_rate, subtotal }) => {
    return tax_rate === null ? `none on ${subtotal}` : `${tax_rate} % of ${subtotal}`
  })
  if (rules.length > 1) {
    return `${rules.join(', ')}, each rounded half-even: a correction is taxed as the invoice that it corrects`
  }
  return taxes[0]?.tax_rate === null ? 'no tax is shown' : `${rules[0]}, rounded half-even`
}

/** @param before what the lines above come to */
export function minimumRule(minimum: string, before: string): string {
  return `${minimum} are agreed at least, the lines above come to ${before}`
}

export function discountRule(discount: Discount, before: string): string {
  return discount.kind === 'percentage'
    ? `${discount.percent} % of ${before}, what the lines above come to`
    : `${discount.amount} off, but never more than the ${before} that the lines above come to`
}

/** `10000.5` as `10,000.5`. */
function grouped(quantity: string): string {
  const [whole = '', decimals] = quantity.split('.')
  const thousands = whole.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return decimals === undefined ? thousands : `${thousands}.${decimals}`
}
