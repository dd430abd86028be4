/** Millionths, the inner unit of credits and quantities. */
export type Micros = bigint

export const MICROS_PER_UNIT = 1_000_000n

/**
 * The largest number with six decimals that is told apart from its neighbours as a JS number:
 * from 2^33 up, doubles lie further apart than a millionth.
 */
export const UNITS_MAX = 2 ** 33

const DECIMALS_MAX = 6
const EXACT_MICROS_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * The exact value of a number as it would be written in JSON, or null when it has more than six
 * decimals, is not finite, or lies outside ±UNITS_MAX.
 */
export function microsFromNumber(value: number): Micros | null {
  if (!(Math.abs(value) <= UNITS_MAX)) return null
  if (Number.isInteger(value)) return BigInt(value * 1e6)
  return microsFromText(String(value))
}

/** The number whose decimal text has at most six decimals. */
export function numberFromMicros(micros: Micros): number {
  if (micros <= EXACT_MICROS_MAX && micros >= -EXACT_MICROS_MAX) return Number(micros) / 1e6
  const digits = (micros < 0n ? -micros : micros).toString()
  const size = Number(`${digits.slice(0, -DECIMALS_MAX)}.${digits.slice(-DECIMALS_MAX)}`)
  return micros < 0n ? -size : size
}

// By text and not by multiplication: 4.4 * 1e6 is not 4400000. An exponent appears in the text of
// a fraction only below a millionth, so it means too many decimals.
function microsFromText(text: string): Micros | null {
  const point = text.indexOf('.')
  const decimals = text.length - point - 1
  if (point < 0 || decimals > DECIMALS_MAX || text.includes('e')) return null
  return BigInt(text.slice(0, point) + text.slice(point + 1).padEnd(DECIMALS_MAX, '0'))
}
