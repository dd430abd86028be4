import type { ChargeFactors } from '../../catalog/charge-types.ts'
import { type Decimal, NOTHING, parseAmount } from '../../lib/money.ts'
import type { Reading } from './types.ts'

/** Usage that has the same factor, by name: `region eu, feature ocr`. null: there are no factors. */
export type Group = { name: string | null; factor: Decimal; quantity: Decimal }

const ONE = parseAmount('1')

/**
 * Readings put together by the values that the charge has factors for. All other values are one group,
 * so a bill does not grow with what senders write. Dearest first, so that what is included is taken
 * off where it is worth most, and always in the same order.
 */
export function groupsOf(readings: readonly Reading[], factors: ChargeFactors): Group[] {
  const groups = new Map<string | null, Group>()
  for (const { group, quantity } of readings) {
    const region = factorOf('region', group.region, factors.region)
    const feature = factorOf('feature', group.feature, factors.feature)
    const names = [region?.name, feature?.name].filter((name) => name !== undefined)
    const name = names.length === 0 ? null : names.join(', ')
    const factor = (region?.factor ?? ONE).mul(feature?.factor ?? ONE)
    const before = groups.get(name)?.quantity ?? NOTHING
    groups.set(name, { name, factor, quantity: before.add(quantity) })
  }
  if (groups.size === 0) return [{ name: null, factor: ONE, quantity: NOTHING }]
  return [...groups.values()]
    .map((group) => ({ ...group, quantity: atLeastNothing(group.quantity) }))
    .sort((a, b) => b.factor.cmp(a.factor) || compareText(a.name ?? '', b.name ?? ''))
}

/** undefined: the charge has no factors for this dimension, so nothing is told apart by it. */
function factorOf(
  dimension: string,
  value: string | null | undefined,
  factors: ReadonlyMap<string, string>,
): { name: string; factor: Decimal } | undefined {
  if (factors.size === 0) return undefined
  const key = value?.toLowerCase()
  const factor = key === undefined ? undefined : factors.get(key)
  if (factor === undefined) return { name: `other ${dimension}s`, factor: ONE }
  return { name: `${dimension} ${key}`, factor: parseAmount(factor) }
}

function atLeastNothing(quantity: Decimal): Decimal {
  return quantity.isNegative() ? NOTHING : quantity
}

// By code units: what a bill says must not depend on the language of the machine.
function compareText(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
