import { z } from 'zod'
import { ESTIMATE_PROBLEMS } from './billing-estimate.ts'
import { count, creditsOut, instantOut } from './fields.ts'
import { amount } from './readings.ts'

export const RECOMMENDATION_KINDS = [
  'cheaper_plan',
  'unused_premium',
  'wasteful_endpoint',
  'idle_key',
] as const

/** Why a plan would not do for what was used. */
export const PLAN_PROBLEMS = [
  ...ESTIMATE_PROBLEMS,
  'premium_needed',
  'endpoint_not_allowed',
] as const
export type PlanProblem = (typeof PLAN_PROBLEMS)[number]
/** Why nobody can say what it would have cost without deciding the log again. */
export const NOT_COMPARED_REASONS = [
  'no_price_in_currency',
  'meter_not_measured',
  'counts_differently',
  'credits_not_measured',
] as const
export type NotComparedReason = (typeof NOT_COMPARED_REASONS)[number]

const comparedPlan = z.object({
  plan: z.string(),
  plan_version: z.number().int(),
  total: amount.describe('Of all the periods, before discounts and tax'),
  per_month: amount,
  fits: z.boolean(),
  problems: z.array(z.enum(PLAN_PROBLEMS)).describe('Why it does not fit'),
  features_lost: z.array(z.string()).describe('Of the present plan'),
})
const compared = {
  currency: z.string().describe('ISO 4217'),
  plan: z.string().describe('The present one'),
  suggested_plan: z.string(),
  saving_per_month: amount.describe('On average over the periods'),
  periods: z
    .array(z.object({ start: instantOut, end: instantOut.describe('Last second') }))
    .describe('Whole periods that were rated: the last three, or as many as there are'),
}

const cheaperPlan = z.object({
  kind: z.literal('cheaper_plan'),
  ...compared,
  plans: z.array(comparedPlan).describe('What each would have asked, cheapest first'),
  not_compared: z.array(z.object({ plan: z.string(), reason: z.enum(NOT_COMPARED_REASONS) })),
})
const unusedPremium = z.object({
  kind: z.literal('unused_premium'),
  ...compared,
  calls: count,
  premium_calls: count.describe('To endpoints that are premium by the rules of their service'),
})
const wastefulEndpoint = z.object({
  kind: z.literal('wasteful_endpoint'),
  endpoint: z.string(),
  days: count,
  calls: count,
  failed: count,
  failure_rate: z.number().describe('Percent, one decimal'),
  units_lost: z.number().describe('Of what calls that failed used; 0 where those do not count'),
  credits_lost: creditsOut,
})
const idleKey = z.object({
  kind: z.literal('idle_key'),
  key_id: z.string(),
  name: z.string().nullable(),
  team: z.string().nullable(),
  created_at: instantOut,
  last_used_at: instantOut.nullable().describe('null: never'),
  idle_days: count.describe('Since then, or since it was made'),
})

export const recommendationsReply = z
  .object({
    data: z
      .array(z.discriminatedUnion('kind', [cheaperPlan, unusedPremium, wastefulEndpoint, idleKey]))
      .describe('By kind, in this order; of a kind what weighs most first'),
  })
  .meta({ id: 'UsageRecommendations' })
export type UsageRecommendations = z.infer<typeof recommendationsReply>
export type Recommendation = UsageRecommendations['data'][number]
