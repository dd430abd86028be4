import fc from 'fast-check'
import type { Readings } from '../src/billing/pricing/types.ts'
import type { PriceModel, Tier, UsageCharge } from '../src/catalog/charge-types.ts'
import { parseExact } from '../src/lib/money.ts'

/** What the meter of a random charge measured. */
export type TestReading = { region: string | null; feature: string | null; quantity: string }

const METER = { name: 'pages', unit: 'pages', definition: null }

/** A decimal with up to so many decimals. */
const decimals = (digitsMax: number, decimalsMax: number) =>
  fc.tuple(fc.nat(digitsMax), fc.nat(decimalsMax)).map(([digits, places]) => {
    const text = String(digits).padStart(places + 1, '0')
    const cut = places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
    return parseExact(cut).toFixed()
  })

/** Small enough that tiers are met, and with twelve decimals now and then. */
export const randomPrices = fc.oneof(
  decimals(2_000, 3),
  decimals(1_000_000_000, 12),
  fc.constant('0'),
)
export const randomQuantities = fc.oneof(
  fc.nat(300).map(String),
  decimals(300_000_000, 6),
  fc.nat({ max: 10 ** 9 }).map((units) => `${units}.999999`),
)

/** Ascending by whole and half units; the last is open. */
export const randomTiers = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { maxLength: 4 }),
    fc.array(fc.tuple(randomPrices, randomPrices), { minLength: 5, maxLength: 5 }),
  )
  .map(([halves, prices]) => {
    const ends = halves.sort((a, b) => a - b).map((half) => String(half / 2))
    return [...ends, null].map((upTo, index): Tier => {
      const [unitPrice, flat] = prices[index]!
      return { upTo, unitPrice, flat }
    })
  })

export const randomModels = fc.oneof(
  randomPrices.map((unitPrice): PriceModel => ({ model: 'per_unit', unitPrice })),
  randomTiers.map((tiers): PriceModel => ({ model: 'graduated', tiers })),
  randomTiers.map((tiers): PriceModel => ({ model: 'volume', tiers })),
  fc
    .tuple(fc.integer({ min: 1, max: 500 }), randomPrices)
    .map(([halves, price]): PriceModel => ({ model: 'package', size: String(halves / 2), price })),
  randomPrices.map((rate): PriceModel => ({ model: 'percentage', rate })),
)

const factor = fc.constantFrom('0', '0.5', '1', '1.2', '3', '0.333333')
const factorsFor = (values: string[]) =>
  fc
    .array(fc.tuple(fc.constantFrom(...values), factor), { maxLength: 3 })
    .map((pairs): ReadonlyMap<string, string> => new Map(pairs))

/** A charge for the meter `pages` as it comes out of a catalog, with everything that it can have. */
export const randomCharges = fc
  .record({
    model: randomModels,
    included: fc.oneof(fc.constant('0'), decimals(100_000, 3)),
    bounds: fc.option(fc.tuple(fc.nat(500), fc.nat(500)), { freq: 2 }),
    has: fc.constantFrom('minimum', 'maximum', 'both'),
    region: factorsFor(['eu', 'ap']),
    feature: factorsFor(['ocr', 'table']),
  })
  .map(({ model, included, bounds, has, region, feature }): UsageCharge => {
    const [low, high] = bounds === null ? [0, 0] : [...bounds].sort((a, b) => a - b)
    return {
      name: 'Pages',
      meter: METER,
      included,
      minimum: bounds === null || has === 'maximum' ? null : `${low}.005`,
      maximum: bounds === null || has === 'minimum' ? null : `${high}.005`,
      factors: { region, feature },
      ...model,
    }
  })

export const randomReadings: fc.Arbitrary<TestReading[]> = fc.array(
  fc.record({
    region: fc.constantFrom('eu', 'EU', 'ap', 'us', '__proto__', null),
    feature: fc.constantFrom('ocr', 'Table', 'x', 'constructor', null),
    quantity: randomQuantities,
  }),
  { maxLength: 6 },
)

export function readingsOf(measured: readonly TestReading[]): Readings {
  const pages = measured.map(({ quantity, ...group }) => {
    return { group, quantity: parseExact(quantity) }
  })
  return new Map([['pages', pages]])
}
