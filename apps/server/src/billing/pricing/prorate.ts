import { type Decimal, roundMoney } from '../../lib/money.ts'
import type { PartOfPeriod } from './types.ts'

/**
 * More than any currency has, by so much that rounding twice is rounding once: an amount of 12
 * decimals times a part of a period of at most a century is either halfway between two smallest
 * units or at least 1 / (2 × 10^12 × 3.2 × 10^12) away from it.
 */
const PRORATED_DECIMALS = 40

/**
 * `amount` × `partMs` ÷ `wholeMs`. Exact to the millisecond, so a plan that changes at a whole second
 * is exact to the second; what does not end is cut after 40 decimals.
 */
export function prorate(amount: Decimal, partMs: number, wholeMs: number): Decimal {
  checkPart({ from_ms: 0, to_ms: partMs, whole_ms: wholeMs })
  return amount.mul(partMs).div(wholeMs).toDecimalPlaces(PRORATED_DECIMALS)
}

/**
 * What a part of a period bears of an amount, rounded so that the parts of any split add up to the
 * rounded amount: what is due until the end of the part less what is due until its start.
 */
export function shareOfPeriod(amount: Decimal, part: PartOfPeriod, currency: string): Decimal {
  checkPart(part)
  const due = (ms: number) => roundMoney(prorate(amount, ms, part.whole_ms), currency)
  return due(part.to_ms).sub(due(part.from_ms))
}

/** For what is no fee: included units, minimum and maximum, by the length of the part alone. */
export function prorateByLength(amount: Decimal, part: PartOfPeriod | null): Decimal {
  if (part === null || amount.isZero()) return amount
  checkPart(part)
  return prorate(amount, part.to_ms - part.from_ms, part.whole_ms)
}

function checkPart({ from_ms, to_ms, whole_ms }: PartOfPeriod): void {
  const ordered = 0 <= from_ms && from_ms <= to_ms && to_ms <= whole_ms && whole_ms > 0
  if (ordered && [from_ms, to_ms, whole_ms].every(Number.isSafeInteger)) return
  throw new RangeError(`${from_ms} to ${to_ms} ms is no part of a period of ${whole_ms} ms`)
}
