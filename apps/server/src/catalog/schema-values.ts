import { z } from 'zod'
import { microsFromNumber } from '../lib/micros.ts'
import { decimalFromMicros, isAmount, parseAmount } from '../lib/money.ts'
import { CATALOG_FACTOR_MAX } from '../limits.ts'

// Values that occur in several places of a catalog.

/** A number from 0 with at most six decimals. */
export const decimals = (max: number) =>
  z
    .number()
    .min(0)
    .max(max)
    .refine((value) => microsFromNumber(value) !== null, 'must have at most 6 decimals')

export const positiveDecimals = (max: number) =>
  decimals(max).refine((value) => value > 0, 'must be above 0')

/** Money: a text, since a YAML number would have passed through a float. */
export const amount = z
  .string('must be a decimal in quotes, such as "0.10"')
  .refine((text) => isAmount(text) && !text.startsWith('-'), 'must be a decimal such as "0.10"')
  // For editors, who cannot run what is above.
  .meta({ pattern: '^\\d{1,15}(\\.\\d{1,12})?$' })

const QUANTITY_ERROR = 'must be a quantity such as 1000, or a decimal in quotes, such as "0.5"'

/**
 * A quantity from 0: a number with at most six decimals, or a text with at most twelve. It comes out
 * as a text without a needless zero, so that the same quantity is the same terms however written.
 */
export const quantity = z
  .union([z.number(), z.string()], QUANTITY_ERROR)
  .refine((value) => quantityText(value) !== null, QUANTITY_ERROR)
  .transform((value) => quantityText(value) ?? '0')

export const positiveQuantity = quantity.refine((text) => text !== '0', 'must be above 0')

/** By value of a dimension; upper and lower case are the same. */
export const factors = z
  .record(z.string().min(1), decimals(CATALOG_FACTOR_MAX))
  .refine(
    (byValue) => new Set(Object.keys(byValue).map(lowerCase)).size === Object.keys(byValue).length,
    'lists a value twice: upper and lower case are the same here',
  )
  .default({})

export function noneTwice(values: readonly string[]): boolean {
  return new Set(values).size === values.length
}

function quantityText(value: number | string): string | null {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return value >= 0 ? String(value) : null
    const micros = microsFromNumber(value)
    return micros === null || micros < 0n ? null : decimalFromMicros(micros).toFixed()
  }
  return isAmount(value) && !value.startsWith('-') ? parseAmount(value).toFixed() : null
}

function lowerCase(text: string): string {
  return text.toLowerCase()
}
