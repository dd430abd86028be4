import { z } from 'zod'
import { instantOut } from './fields.ts'
import { amount, nextCursor, pageQuery } from './readings.ts'

const factors = z
  .record(z.string(), z.number())
  .describe('By value; the price of others is as it is written')
const exact = z.string().describe('Exact decimal')

const usage = {
  name: z.string().describe('As on the bill'),
  meter: z.string().describe('`units`, `credits`, or a meter of the operator'),
  included: exact.describe('So much is free in each period'),
  minimum: amount.nullable(),
  maximum: amount.nullable(),
  factors: z.object({ region: factors, feature: factors }),
}
const tiers = z.array(
  z.object({
    up_to: exact.nullable().describe('The last unit in it; null: all that follow'),
    unit_price: amount,
    flat: amount.describe('Due once anything falls into it'),
  }),
)

/** What a plan asks for; each becomes a line of the bill. */
export const planCharge = z
  .discriminatedUnion('model', [
    z.object({
      name: z.string(),
      model: z.literal('flat'),
      amount,
      timing: z.enum(['in_advance', 'in_arrears']),
    }),
    z.object({ ...usage, model: z.literal('per_unit'), unit_price: amount }),
    z.object({ ...usage, model: z.literal('graduated'), tiers }),
    z.object({ ...usage, model: z.literal('volume'), tiers }),
    z.object({
      ...usage,
      model: z.literal('package'),
      package: z.object({ size: exact, price: amount }),
    }),
    z.object({ ...usage, model: z.literal('percentage'), rate: exact.describe('Percent') }),
    z.object({ name: z.string(), model: z.literal('prepaid_credits'), credit_price: amount }),
  ])
  .meta({ id: 'Charge' })

export const planPrice = z
  .object({
    currency: z.string().describe('ISO 4217'),
    base: amount.describe('For each period'),
    per_unit: amount.describe('For each counted unit that is not included'),
    included: z.number().describe('Units without a price of their own'),
    charges: z.array(planCharge),
  })
  .meta({ id: 'Price' })

const plan = {
  plan: z.string(),
  version: z.number().int(),
  description: z.string(),
  self_service: z.boolean().describe('Whether people may take it when they sign up'),
  counts: z.enum(['success', 'all']).describe('Which calls use quota, credits and money'),
  quota: z
    .object({ limit: z.number(), overage: z.enum(['deny', 'charge']) })
    .nullable()
    .describe('Units per period; null: none'),
  rate_limits: z.array(
    z.object({
      limit: z.number().int(),
      per: z.enum(['second', 'minute', 'hour', 'day']),
    }),
  ),
  premium: z.boolean().describe('Whether premium endpoints may be called'),
  credits: z.enum(['none', 'required']).describe('required: every counted call is paid from them'),
  allowance: z
    .object({ credits: z.number(), rollover_max: z.number().describe('Kept of what is left') })
    .nullable()
    .describe('Credits that each period begins with'),
  trial_days: z.number().int(),
  price: planPrice,
  prices: z.array(planPrice).describe('In other currencies'),
  features: z.object({
    granularity: z.enum(['daily', 'hourly', 'second']),
    export: z.boolean(),
    alerts: z.boolean(),
    performance: z.boolean(),
    realtime: z.boolean(),
    retention_months: z.number().int().nullable().describe('null: as long as there is data'),
  }),
}

export const planReply = z.object(plan).meta({ id: 'Plan' })
export type PlanReply = z.infer<typeof planReply>
export const plansReply = z.object({ data: z.array(planReply) })

const onVersion = z.object({ version: z.number().int(), tenants: z.number().int() })

export const planVersionsQuery = z.strictObject(pageQuery)
export const planVersionReply = z
  .object({
    ...plan,
    on_offer: z.boolean().describe('Whether new tenants get this version'),
    tenants: z.number().int().describe('How many are on it'),
    created_at: instantOut,
    endpoints: z.object({ allow: z.array(z.string()), deny: z.array(z.string()) }),
    meters: z.record(z.string(), z.unknown()).describe('What its charges measure by'),
  })
  .meta({ id: 'PlanVersion' })
export type PlanVersionReply = z.infer<typeof planVersionReply>
export const planVersionsReply = z.object({
  data: z.array(planVersionReply),
  next_cursor: nextCursor,
})

export const changePlansQuery = z.strictObject({
  dry_run: z
    .enum(['true', 'false'])
    .describe('true: tell what would change, and change nothing')
    .default('false'),
})
const fieldChange = z.object({
  field: z.string().describe('As in price.charges["Calls"].unit_price'),
  before: z.unknown().describe('Left out: it was not there').optional(),
  after: z.unknown().describe('Left out: it is not there').optional(),
})
export const planChangesReply = z
  .object({
    dry_run: z.boolean(),
    plans: z.array(
      z.object({
        plan: z.string(),
        change: z.enum(['new', 'changed', 'unchanged', 'offered_again', 'withdrawn']),
        version: z.number().int().describe('The newest, afterwards'),
        fields: z.array(fieldChange).describe('Of a new plan: what is not the default'),
        tenants: z.array(onVersion).describe('They stay on their version until they are moved'),
      }),
    ),
  })
  .meta({ id: 'PlanChanges' })
export type PlanChangesReply = z.infer<typeof planChangesReply>

export const serviceRulesReply = z
  .object({
    trust_reported: z.boolean().nullable().describe('null: as the service was registered'),
    endpoints: z
      .array(
        z.object({
          path: z.string(),
          methods: z.array(z.string()).nullable().describe('null: any'),
          credits: z.number().describe('Per unit of quantity'),
          credits_from_tokens: z
            .object({
              characters_per_token: z.number().int(),
              rate: exact,
              minimum: exact,
              decimals: z.number().int(),
              rounding: z.enum(['half_up', 'half_even', 'up', 'down']),
            })
            .nullable(),
          premium: z.boolean(),
          factors: z.object({ region: factors, feature: factors }),
        }),
      )
      .describe('The first that matches wins'),
  })
  .meta({ id: 'ServiceRules' })
export type ServiceRulesReply = z.infer<typeof serviceRulesReply>
