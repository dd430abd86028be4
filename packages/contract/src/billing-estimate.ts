import { z } from 'zod'
import { mathStep } from './billing.ts'
import { hasAtMostSixDecimals, name } from './fields.ts'
import {
  ESTIMATE_GROUPS_PER_METER_MAX,
  ESTIMATE_METERS_MAX,
  ESTIMATE_QUANTITY_MAX,
} from './limits.ts'
import { amount } from './readings.ts'

const quantity = z
  .number()
  .min(0)
  .max(ESTIMATE_QUANTITY_MAX)
  .refine(hasAtMostSixDecimals, 'at most 6 decimals')

const quantities = z
  .array(z.strictObject({ region: name.optional(), feature: name.optional(), quantity }))
  .min(1)
  .max(ESTIMATE_GROUPS_PER_METER_MAX)

export const estimateBody = z
  .strictObject({
    quantities: z
      .record(name, z.union([quantity, quantities]))
      .refine(
        (meters) => Object.keys(meters).length <= ESTIMATE_METERS_MAX,
        `at most ${ESTIMATE_METERS_MAX} meters`,
      )
      .describe(
        'By meter, for one whole period: `units` (counted calls), `credits` (what they cost), and the meters of the catalog. Those left out are 0. A list where prices depend on region or feature',
      ),
    currency: z
      .string()
      .regex(/^[A-Z]{3}$/, 'an ISO 4217 currency in capitals, such as USD')
      .describe('Left out: the one that most plans have')
      .optional(),
  })
  .meta({ id: 'EstimateRequest' })

/** Why a plan does not do for the quantities. */
export const ESTIMATE_PROBLEMS = ['quota_exceeded', 'credits_not_sold'] as const

export const planEstimate = z.object({
  plan: z.string(),
  plan_version: z.number().int(),
  description: z.string(),
  self_service: z.boolean().describe('false: only the operator gives it'),
  fits: z.boolean().describe('Whether it lets so much through'),
  problems: z
    .array(z.object({ code: z.enum(ESTIMATE_PROBLEMS), message: z.string() }))
    .describe('Why it does not fit'),
  included: z
    .array(z.object({ meter: z.string(), quantity: z.number(), unit: z.string() }))
    .describe('What the price includes; `credits`: those that each period begins with'),
  assumed_zero: z.array(z.string()).describe('Meters of this plan that no quantity was given for'),
  lines: z.array(
    z.object({
      description: z.string(),
      meter: z.string().describe('`base` for a fee'),
      quantity: z.number(),
      unit: z.string(),
      unit_price: amount.nullable().describe('null: not the same for all of it; see math'),
      amount,
      math: z.array(mathStep).describe('What `amount` is the rounded sum of'),
    }),
  ),
  total: amount.describe('Of a whole period, before discounts and tax'),
})
export type PlanEstimate = z.infer<typeof planEstimate>

export const estimateReply = z
  .object({
    currency: z.string().describe('ISO 4217'),
    plans: z.array(planEstimate).describe('Cheapest first'),
    not_in_currency: z.array(z.string()).describe('Plans that have no price in this currency'),
  })
  .meta({ id: 'Estimate' })
export type EstimateReply = z.infer<typeof estimateReply>
