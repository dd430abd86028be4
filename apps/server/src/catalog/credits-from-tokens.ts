import { MICROS_PER_UNIT, type Micros } from '../lib/micros.ts'

/** Decimal strings with at most 12 decimals; `decimals` at most 6. */
export type TokenCredits = {
  charactersPerToken: bigint
  /** Credits of a token. */
  rate: string
  minimum: string
  decimals: number
  rounding: 'half_up' | 'half_even' | 'up' | 'down'
}

/** A token is about four characters; 11 tokens cost 4.40. */
export const ASSISTANT_TEXT: TokenCredits = {
  charactersPerToken: 4n,
  rate: '0.4',
  minimum: '1.00',
  decimals: 2,
  rounding: 'half_up',
}

const RATE_DECIMALS = 12
const RATE_DECIMALS_PER_MICRO = RATE_DECIMALS - 6

/**
 * What a text costs: ceil(characters ÷ characters per token) × rate, rounded once, and no less than
 * the minimum, which an empty text costs too.
 * @param characters whole, from 0; see `charactersIn`
 */
export function creditsFromTokens(characters: bigint, rule: TokenCredits = ASSISTANT_TEXT): Micros {
  if (characters < 0n) throw new RangeError(`A text cannot have ${characters} characters`)
  const tokens = (characters + rule.charactersPerToken - 1n) / rule.charactersPerToken
  const step = 10n ** BigInt(RATE_DECIMALS - rule.decimals)
  const steps = rounded(tokens * scaled(rule.rate), step, rule.rounding)
  const credits = (steps * step) / 10n ** BigInt(RATE_DECIMALS_PER_MICRO)
  // Rounded up: a minimum of less than a millionth is one all the same.
  const minimum = rounded(scaled(rule.minimum), 10n ** BigInt(RATE_DECIMALS_PER_MICRO), 'up')
  return credits < minimum ? minimum : credits
}

/** As people count them: code points, and not the halves in which JavaScript keeps some of them. */
export function charactersIn(text: string): bigint {
  let count = 0n
  for (const _character of text) count += 1n
  return count
}

/** Whole characters of a quantity; a part of one is one. */
export function charactersOfQuantity(quantity: Micros): bigint {
  return (quantity + MICROS_PER_UNIT - 1n) / MICROS_PER_UNIT
}

function scaled(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.')
  return BigInt(whole + fraction.padEnd(RATE_DECIMALS, '0'))
}

function rounded(value: bigint, step: bigint, rounding: TokenCredits['rounding']): bigint {
  const whole = value / step
  const twice = (value % step) * 2n
  if (twice === 0n || rounding === 'down') return whole
  if (rounding === 'up' || twice > step) return whole + 1n
  const tiesUp = rounding === 'half_up' || whole % 2n === 1n
  return twice === step && tiesUp ? whole + 1n : whole
}
