import { z } from 'zod'
import {
  COUNT_MAX,
  CREDITS_MAX,
  EMAIL_CHARS_MAX,
  IDEMPOTENCY_KEY_CHARS_MAX,
  MONEY_DECIMALS_MAX,
  MONEY_DIGITS_MAX,
  NAME_CHARS_MAX,
  REASON_CHARS_MAX,
  TAX_RATE_DECIMALS_MAX,
} from './limits.ts'

export const name = z.string().min(1).max(NAME_CHARS_MAX)
export const reason = z.string().min(1).max(REASON_CHARS_MAX)
export const email = z.email().max(EMAIL_CHARS_MAX)

export const tenantId = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
    'letters, digits, dots, dashes and underscores; at most 64',
  )
  .describe('A tenant, as the operator named it')

export const idempotencyKey = z
  .string()
  .min(1)
  .max(IDEMPOTENCY_KEY_CHARS_MAX)
  .describe(
    'Unique per tenant and operation. The same key again answers with the first decision; a UUID of version 7 is fastest',
  )

/** Credits with at most six decimals. */
export const credits = z
  .number()
  .min(-CREDITS_MAX)
  .max(CREDITS_MAX)
  .refine(hasAtMostSixDecimals, 'at most 6 decimals')

export function hasAtMostSixDecimals(value: number): boolean {
  return Number.isInteger(value) || /^-?\d+\.\d{1,6}$/.test(String(value)) || isTiny(value)
}

/** JavaScript writes 0.000001 out but 0.0000001 as 1e-7. */
function isTiny(value: number): boolean {
  return /^-?[1-9]e-6$/.test(String(value))
}

/** Of a reply: a sum may be larger than what a single request can name. */
export const creditsOut = z.number().describe('Credits, with at most 6 decimals')

export const nonNegativeCredits = credits.min(0)
export const positiveCredits = credits.gt(0)

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
export const countOfCall = count.max(COUNT_MAX)

/** A number in a query, where everything is text: of digits, so that nothing is not 0, nor `0x10` 16. */
export const queryNumber = (min: number, max: number) =>
  z.preprocess(numberFromDigits, z.number('a whole number, in digits').int().min(min).max(max))

/** The same, which may be left out. */
export const queryNumberOr = (absent: number, min: number, max: number) =>
  z.preprocess(
    numberFromDigits,
    z.number('a whole number, in digits').int().min(min).max(max).default(absent),
  )

function numberFromDigits(sent: unknown): unknown {
  return typeof sent === 'string' && /^\d{1,16}$/.test(sent) ? Number(sent) : sent
}

/** RFC 3339 with a zone, as Date.prototype.toISOString writes it. */
export const instant = z.iso
  .datetime({ offset: true, error: 'an ISO 8601 time with a zone, as in 2025-01-24T14:32:18Z' })
  .describe('ISO 8601 with a zone')

export const instantOut = z.iso.datetime().describe('UTC, ISO 8601')

/** Money as it is sent, above zero. That it has no more decimals than its currency is looked at later. */
export const money = z
  .string()
  .regex(
    new RegExp(`^\\d{1,${MONEY_DIGITS_MAX}}(\\.\\d{1,${MONEY_DECIMALS_MAX}})?$`),
    'a decimal such as 12.50',
  )
  .refine((text) => /[1-9]/.test(text), 'more than 0')
  .describe('Decimal, as in 12.50')

/** @param least 0, or the smallest one above it */
export function percent(least: 'from 0' | 'above 0') {
  return z
    .string()
    .regex(
      new RegExp(`^\\d{1,3}(\\.\\d{1,${TAX_RATE_DECIMALS_MAX}})?$`),
      `percent as a decimal such as 19 or 7.7, with at most ${TAX_RATE_DECIMALS_MAX} decimals`,
    )
    .refine((text) => Number(text) <= 100, 'at most 100 percent')
    .refine((text) => least === 'from 0' || /[1-9]/.test(text), 'more than 0')
}

export const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'an ISO 4217 currency in capitals, such as USD')
