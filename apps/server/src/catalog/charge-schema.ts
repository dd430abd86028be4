import { NAME_CHARS_MAX } from '@tollgate/contract'
import { z } from 'zod'
import { parseAmount } from '../lib/money.ts'
import { amount, factors, positiveQuantity, quantity } from './schema-values.ts'

// What a plan asks for, one charge after the other. Each becomes a line of the bill.

const name = z.string().min(1).max(NAME_CHARS_MAX)

/** What every charge for usage may have besides its prices. */
const usage = {
  name,
  meter: name,
  included: quantity.default('0'),
  minimum: amount.nullable().default(null),
  maximum: amount.nullable().default(null),
  factors: z.strictObject({ region: factors, feature: factors }).prefault({}),
}

const tier = z.strictObject({
  /** The last unit that falls into it; null: all that are left. */
  up_to: positiveQuantity.nullable().default(null),
  unit_price: amount.default('0'),
  flat: amount.default('0'),
})

const tiers = z
  .array(tier)
  .min(1)
  .superRefine((all, context) => {
    for (const [index, { up_to }] of all.entries()) {
      const message = tierProblem(up_to, all[index - 1]?.up_to ?? null, index === all.length - 1)
      if (message !== null) context.addIssue({ code: 'custom', path: [index, 'up_to'], message })
    }
  })

const flat = z.strictObject({
  name,
  model: z.literal('flat'),
  amount,
  timing: z.enum(['in_advance', 'in_arrears']).default('in_advance'),
})
const perUnit = z.strictObject({ ...usage, model: z.literal('per_unit'), unit_price: amount })
const graduated = z.strictObject({ ...usage, model: z.literal('graduated'), tiers })
const volume = z.strictObject({ ...usage, model: z.literal('volume'), tiers })
const packages = z.strictObject({
  ...usage,
  model: z.literal('package'),
  package: z.strictObject({ size: positiveQuantity, price: amount }),
})
const percentage = z.strictObject({ ...usage, model: z.literal('percentage'), rate: amount })
const prepaidCredits = z.strictObject({
  name,
  model: z.literal('prepaid_credits'),
  credit_price: amount,
})

const MODELS = [flat, perUnit, graduated, volume, packages, percentage, prepaidCredits] as const

const charge = z
  .discriminatedUnion('model', MODELS, {
    error: ({ code }) =>
      code === 'invalid_union' ? `must be one of ${modelNames().join(', ')}` : undefined,
  })
  .superRefine((value, context) => {
    if (!('minimum' in value) || value.minimum === null || value.maximum === null) return
    if (parseAmount(value.minimum).lte(parseAmount(value.maximum))) return
    context.addIssue({ code: 'custom', path: ['maximum'], message: 'is below the minimum' })
  })

export const chargesSchema = z.array(charge).default([])
export type ChargeDefinition = z.infer<typeof charge>

function tierProblem(upTo: string | null, before: string | null, last: boolean): string | null {
  if (last) return upTo === null ? null : 'the last tier is open: leave up_to out'
  if (upTo === null) return 'is missing; only the last tier is open'
  if (before === null || parseAmount(upTo).gt(parseAmount(before))) return null
  return `must be above ${before}, where the tier before it ends`
}

function modelNames(): string[] {
  return MODELS.map(({ shape }) => shape.model.value)
}
