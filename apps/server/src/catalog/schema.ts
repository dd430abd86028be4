import { NAME_CHARS_MAX } from '@tollgate/contract'
import { z } from 'zod'
import { isCurrency } from '../lib/money.ts'
import {
  CATALOG_CREDITS_MAX,
  CREDITS_MAX,
  CURRENCIES_PER_PLAN_MAX,
  PLANS_ON_OFFER_MAX,
  TRIAL_DAYS_MAX,
} from '../limits.ts'
import { chargesSchema } from './charge-schema.ts'
import { chargeProblems, type Price } from './check-charges.ts'
import { type MeterDefinitions, metersSchema } from './meter-schema.ts'
import { amount, decimals, factors, positiveDecimals } from './schema-values.ts'
import { formatsSchema, usagePropertiesSchema } from './usage-schema.ts'

// The shape of catalogs/*.yaml and of what the database keeps of it. Whoever adds a key gives it a
// default: the versions that are stored already are read through this schema too, and must come out
// meaning what they meant.

const name = (what: string) =>
  z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, `${what} is lower-case letters, digits and dashes`)

const serviceName = z
  .string()
  .max(NAME_CHARS_MAX)
  .regex(/^[^\s*]+$/, 'a service name has no space and no *')

const path = z
  .string()
  .regex(/^(\*|\/\S*)$/, 'must be a path such as /convert or /reports/*, without spaces')

const pattern = z
  .string()
  .regex(
    /^\S+( (\*|\/\S*))?$/,
    'must be “*”, a service, or a service and a path, such as “document-api /bulk/*”',
  )

/** The quantity of a call is then the number of its characters. */
const creditsFromTokens = z.strictObject({
  characters_per_token: z.int().min(1).max(1_000).default(4),
  rate: amount,
  minimum: amount.default('0'),
  decimals: z.int().min(0).max(6).default(2),
  rounding: z.enum(['half_up', 'half_even', 'up', 'down']).default('half_up'),
})

const endpointRule = z
  .strictObject({
    path,
    methods: z
      .array(z.string().regex(/^[A-Z]+$/, 'must be a method in capitals, such as POST'))
      .min(1)
      .nullable()
      .default(null),
    credits: decimals(CATALOG_CREDITS_MAX).default(1).describe('Per unit of quantity'),
    credits_from_tokens: creditsFromTokens
      .nullable()
      .default(null)
      .describe('Instead of credits, where quantity is a number of characters'),
    premium: z.boolean().default(false),
    factors: z.strictObject({ region: factors, feature: factors }).prefault({}),
  })
  .refine(({ credits, credits_from_tokens }) => credits === 1 || credits_from_tokens === null, {
    path: ['credits_from_tokens'],
    message: 'says what a call costs, and so does credits; leave one of them out',
  })

/** The endpoint rules of one service. */
export const serviceSchema = z.strictObject({
  trust_reported: z
    .boolean()
    .nullable()
    .default(null)
    .describe('Whether credits_used and premium of requests are believed; null: as registered'),
  endpoints: z.array(endpointRule).default([]).describe('The first that matches wins'),
})

/** The same over the API, where it replaces what there is: an empty body must not take all of it away. */
export const serviceRulesSchema = serviceSchema.extend({
  endpoints: z.array(endpointRule).describe('The first that matches wins'),
})

const price = z.strictObject({
  currency: z
    .string()
    .refine(isCurrency, 'must be an ISO 4217 currency, such as USD')
    .meta({ pattern: '^[A-Z]{3}$' })
    .default('USD'),
  base: amount.default('0').describe('For each period'),
  per_unit: amount.default('0').describe('For each counted unit that is not included'),
  included: decimals(CREDITS_MAX).default(0).describe('Units without a price of their own'),
  charges: chargesSchema,
})

const planKeys = {
  description: z.string().default(''),
  self_service: z
    .boolean()
    .default(true)
    .describe('Whether people may take it by themselves when they sign up'),
  counts: z
    .enum(['success', 'all'])
    .default('success')
    .describe('Which calls use quota, credits and money'),
  quota: z
    .strictObject({
      limit: decimals(CREDITS_MAX),
      overage: z.enum(['deny', 'charge']),
    })
    .nullable()
    .default(null)
    .describe('Units per period; beyond it calls are denied, or charged'),
  rate_limits: z
    .array(
      z.strictObject({
        limit: z.int().min(1).max(CREDITS_MAX),
        per: z.enum(['second', 'minute', 'hour', 'day']),
      }),
    )
    .refine(
      (limits) => new Set(limits.map(({ per }) => per)).size === limits.length,
      'lists a window twice',
    )
    .default([]),
  premium: z.boolean().default(true).describe('Whether premium endpoints may be called'),
  credits: z
    .enum(['none', 'required'])
    .default('none')
    .describe('required: every counted call is paid from credits'),
  endpoints: z
    .strictObject({
      allow: z.array(pattern).default(['*']),
      deny: z.array(pattern).default([]),
    })
    .prefault({}),
  price: price.prefault({}),
  prices: z
    .array(price)
    .max(CURRENCIES_PER_PLAN_MAX)
    .default([])
    .describe('For tenants who pay in another currency; everything else of the plan is the same'),
  trial_days: z
    .int()
    .min(0)
    .max(TRIAL_DAYS_MAX)
    .default(0)
    .describe('Days from the first subscription on in which nothing is charged'),
  allowance: z
    .strictObject({
      credits: positiveDecimals(CREDITS_MAX),
      rollover_max: decimals(CREDITS_MAX)
        .default(0)
        .describe('Of what is left at the end, so much is kept for the next period'),
    })
    .nullable()
    .default(null)
    .describe('Credits that each period begins with'),
  features: z
    .strictObject({
      granularity: z.enum(['daily', 'hourly', 'second']).default('daily'),
      export: z.boolean().default(false),
      alerts: z.boolean().default(false),
      performance: z.boolean().default(false),
      realtime: z.boolean().default(false),
      retention_months: z
        .int()
        .min(0)
        .max(1_200)
        .nullable()
        .default(0)
        .describe('Full months before the running one; null: as long as there is data'),
    })
    .prefault({}),
}

/** As it is stored: with the meters that its charges use, since those of the file may change. */
export const planSchema = z
  .strictObject({ ...planKeys, meters: metersSchema })
  .superRefine((plan, context) => addProblems(plan, plan.meters, [], context))
export const servicesSchema = z.record(serviceName, serviceSchema).default({})

const offer = {
  meters: metersSchema,
  plans: z
    .record(name('a plan’s name'), z.strictObject(planKeys))
    .refine((plans) => Object.keys(plans).length > 0, 'must have at least one plan')
    .refine(
      (plans) => Object.keys(plans).length <= PLANS_ON_OFFER_MAX,
      `must have at most ${PLANS_ON_OFFER_MAX} plans`,
    ),
}

export const catalogSchema = z
  .strictObject({
    catalog: z.literal(1, 'must be 1, the version of this format'),
    services: servicesSchema,
    formats: formatsSchema,
    usage_properties: usagePropertiesSchema,
    ...offer,
  })
  .superRefine(checkPlans)
  .transform(({ catalog, services, formats, usage_properties, ...offered }) => ({
    catalog,
    services,
    formats,
    usage_properties,
    plans: completePlans(offered),
  }))

/** Plans alone, as they are sent over the API: what is not named stays as it is. */
export const plansSchema = z
  .strictObject(offer)
  .superRefine(checkPlans)
  .transform((offered) => ({ plans: completePlans(offered) }))

/** As written in the file, with every default filled in, and its meters in the plans. Plain JSON. */
export type CatalogDefinition = z.infer<typeof catalogSchema>
export type PlanDefinition = z.infer<typeof planSchema>
export type PlanDefinitions = Record<string, PlanDefinition>
export type ServiceDefinition = z.infer<typeof serviceSchema>
export type ServiceDefinitions = z.infer<typeof servicesSchema>

type Offer = {
  meters: MeterDefinitions
  plans: Record<string, Omit<PlanDefinition, 'meters'>>
}

function checkPlans({ plans, meters }: Offer, context: z.core.$RefinementCtx): void {
  for (const [name, plan] of Object.entries(plans)) {
    addProblems(plan, meters, ['plans', name], context)
  }
}

function completePlans({ plans, meters }: Offer): PlanDefinitions {
  const complete = Object.entries(plans).map(([name, plan]) => {
    return [name, { ...plan, meters: metersOf(plan, meters) }] as const
  })
  return Object.fromEntries(complete)
}

type PricedPlan = { price: Price; prices: Price[] }

function addProblems(
  plan: PricedPlan,
  meters: MeterDefinitions,
  at: string[],
  context: z.core.$RefinementCtx,
): void {
  const add = (path: (string | number)[], message: string) =>
    context.addIssue({ code: 'custom', path: [...at, ...path], message })
  for (const { where, price } of pricesOf(plan)) {
    for (const { path, message } of chargeProblems(price, meters)) add([...where, ...path], message)
  }
  for (const [index, { currency }] of plan.prices.entries()) {
    const before = [plan.price, ...plan.prices.slice(0, index)]
    if (!before.some((price) => price.currency === currency)) continue
    add(['prices', index, 'currency'], `there is a price in ${currency} already`)
  }
}

function pricesOf({ price, prices }: PricedPlan) {
  const others = prices.map((other, index) => ({ where: ['prices', index], price: other }))
  return [{ where: ['price'], price }, ...others]
}

function metersOf({ price, prices }: PricedPlan, meters: MeterDefinitions): MeterDefinitions {
  const charges = [price, ...prices].flatMap((each) => each.charges)
  const used = new Set(charges.map((charge) => ('meter' in charge ? charge.meter : '')))
  return Object.fromEntries(Object.entries(meters).filter(([name]) => used.has(name)))
}
