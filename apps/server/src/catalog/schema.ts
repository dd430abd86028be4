import { NAME_CHARS_MAX } from '@tollgate/contract'
import { z } from 'zod'
import { microsFromNumber } from '../lib/micros.ts'
import { isAmount, isCurrency } from '../lib/money.ts'
import { CATALOG_CREDITS_MAX, CATALOG_FACTOR_MAX, CREDITS_MAX } from '../limits.ts'

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

const decimals = (max: number) =>
  z
    .number()
    .min(0)
    .max(max)
    .refine((value) => microsFromNumber(value) !== null, 'must have at most 6 decimals')

const amount = z
  .string('must be a decimal in quotes, such as "0.10"')
  .refine((text) => isAmount(text) && !text.startsWith('-'), 'must be a decimal such as "0.10"')

const factors = z
  .record(z.string().min(1), decimals(CATALOG_FACTOR_MAX))
  .refine(
    (byValue) => new Set(Object.keys(byValue).map(lowerCase)).size === Object.keys(byValue).length,
    'lists a value twice: upper and lower case are the same here',
  )
  .default({})

const endpointRule = z.strictObject({
  path,
  methods: z
    .array(z.string().regex(/^[A-Z]+$/, 'must be a method in capitals, such as POST'))
    .min(1)
    .nullable()
    .default(null),
  credits: decimals(CATALOG_CREDITS_MAX).default(1),
  premium: z.boolean().default(false),
  factors: z.strictObject({ region: factors, feature: factors }).prefault({}),
})

const service = z.strictObject({
  /** null: as the service was registered. */
  trust_reported: z.boolean().nullable().default(null),
  endpoints: z.array(endpointRule).default([]),
})

const plan = z.strictObject({
  description: z.string().default(''),
  counts: z.enum(['success', 'all']).default('success'),
  quota: z
    .strictObject({
      limit: decimals(CREDITS_MAX),
      overage: z.enum(['deny', 'charge']),
    })
    .nullable()
    .default(null),
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
  premium: z.boolean().default(true),
  credits: z.enum(['none', 'required']).default('none'),
  endpoints: z
    .strictObject({
      allow: z.array(pattern).default(['*']),
      deny: z.array(pattern).default([]),
    })
    .prefault({}),
  price: z
    .strictObject({
      currency: z
        .string()
        .refine(isCurrency, 'must be an ISO 4217 currency, such as USD')
        .default('USD'),
      base: amount.default('0'),
      per_unit: amount.default('0'),
      included: decimals(CREDITS_MAX).default(0),
    })
    .prefault({}),
  features: z
    .strictObject({
      granularity: z.enum(['daily', 'hourly', 'second']).default('daily'),
      export: z.boolean().default(false),
      alerts: z.boolean().default(false),
      performance: z.boolean().default(false),
      realtime: z.boolean().default(false),
      /** null: as long as there is data. */
      retention_months: z.int().min(0).max(1_200).nullable().default(0),
    })
    .prefault({}),
})

export const planSchema = plan
export const servicesSchema = z.record(serviceName, service).default({})

export const catalogSchema = z.strictObject({
  catalog: z.literal(1, 'must be 1, the version of this format'),
  services: servicesSchema,
  plans: z
    .record(name('a plan’s name'), plan)
    .refine((plans) => Object.keys(plans).length > 0, 'must have at least one plan'),
})

/** As written in the file, with every default filled in. Plain JSON. */
export type CatalogDefinition = z.infer<typeof catalogSchema>
export type PlanDefinition = z.infer<typeof plan>
export type ServiceDefinitions = z.infer<typeof servicesSchema>

function lowerCase(text: string): string {
  return text.toLowerCase()
}
