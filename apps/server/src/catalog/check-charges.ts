import type { ChargeDefinition } from './charge-schema.ts'
import { BUILT_IN_METERS, type MeterDefinitions } from './meter-schema.ts'

const METERS_NAMED_MAX = 20

/** What says what is paid. */
export type Price = {
  currency: string
  base: string
  per_unit: string
  included: number
  charges: ChargeDefinition[]
}
export type ChargeProblem = { path: (string | number)[]; message: string }

/**
 * What no charge shows by itself: meters that are not there, and the same usage charged twice without
 * anybody having meant it.
 */
export function chargeProblems(price: Price, meters: MeterDefinitions): ChargeProblem[] {
  const { charges } = price
  const problems = charges.flatMap((charge, index) =>
    [...meterProblems(charge, meters), ...twiceProblems(charge, charges.slice(0, index))].map(
      ({ path, message }) => ({ path: ['charges', index, ...path], message }),
    ),
  )
  return [...problems, ...shorthandProblems(price)]
}

function meterProblems(charge: ChargeDefinition, meters: MeterDefinitions): ChargeProblem[] {
  if (!('meter' in charge)) return []
  const { meter, factors } = charge
  const builtIn = BUILT_IN_METERS.some((name) => name === meter)
  const definition = Object.hasOwn(meters, meter) ? meters[meter]! : null
  if (!builtIn && definition === null) {
    const message = `there is no meter “${meter}”; there are ${namesOf(meters)}`
    return [{ path: ['meter'], message }]
  }
  return (['region', 'feature'] as const)
    .filter((dimension) => Object.keys(factors[dimension]).length > 0)
    .filter((dimension) => definition?.group_by.includes(dimension) !== true)
    .map((dimension) => ({
      path: ['factors', dimension],
      message: `needs a meter with group_by: [${dimension}]; “${meter}” is not grouped by it`,
    }))
}

/** As many as help: the answer to somebody who sends thousands must not be long. */
function namesOf(meters: MeterDefinitions): string {
  const names = [...BUILT_IN_METERS, ...Object.keys(meters)]
  const more = names.length > METERS_NAMED_MAX ? ', …' : ''
  return names.slice(0, METERS_NAMED_MAX).join(', ') + more
}

function twiceProblems(charge: ChargeDefinition, before: ChargeDefinition[]): ChargeProblem[] {
  const problems: ChargeProblem[] = []
  if (before.some(({ name }) => name === charge.name)) {
    problems.push({ path: ['name'], message: 'another charge of this plan has this name' })
  }
  const earlier = before.find((other) => chargesCredits(other))
  if (earlier !== undefined && chargesCredits(charge)) {
    const either = earlier.model === 'prepaid_credits' || charge.model === 'prepaid_credits'
    const message = `“${earlier.name}” charges the plan’s credits already`
    if (either) problems.push({ path: ['model'], message })
  }
  return problems
}

function chargesCredits(charge: ChargeDefinition): boolean {
  return charge.model === 'prepaid_credits' || ('meter' in charge && charge.meter === 'credits')
}

function shorthandProblems({ base, per_unit, included, charges }: Price) {
  const problems: ChargeProblem[] = []
  const flat = charges.find(({ model }) => model === 'flat')
  if (flat !== undefined && !isZero(base)) {
    const message = `“${flat.name}” is a flat fee too; write all of them under charges`
    problems.push({ path: ['base'], message })
  }
  const units = charges.find((charge) => 'meter' in charge && charge.meter === 'units')
  if (units === undefined) return problems
  const message = `“${units.name}” charges units too; write it under charges alone`
  if (!isZero(per_unit)) problems.push({ path: ['per_unit'], message })
  if (included !== 0) problems.push({ path: ['included'], message })
  return problems
}

function isZero(amount: string): boolean {
  return /^[0.]+$/.test(amount)
}
