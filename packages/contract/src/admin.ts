import { z } from 'zod'
import { SUBSCRIPTION_STATUSES } from './codes.ts'
import {
  credits,
  creditsOut,
  email,
  idempotencyKey,
  instant,
  instantOut,
  name,
  reason,
  tenantId,
} from './fields.ts'
import { GRANT_PRIORITY_DEFAULT, GRANT_PRIORITY_MAX } from './limits.ts'
import { nextCursor, pageQuery } from './readings.ts'

const timeZone = z.string().min(1).max(64).describe('IANA name, as in Europe/Berlin; left out: UTC')

export const createTenantBody = z.strictObject({
  name,
  email,
  plan: name,
  tenant_id: tenantId.describe('Left out: made by Tollgate').optional(),
  time_zone: timeZone.optional(),
  region: name.describe('Of calls that name none').optional(),
  test_clock: instant
    .describe(
      'The tenant lives on a clock of its own that shows this and stands still until it is moved',
    )
    .optional(),
})

export const testClockBody = z.strictObject({
  now: instant.describe('Not before what the clock shows, and at most ten years after'),
})
export const testClockReply = z
  .object({
    tenant_id: tenantId,
    now: instantOut,
    invoices: z.array(z.string()).describe('Ids of those that were issued on the way'),
  })
  .meta({ id: 'TestClock' })

export const patchTenantBody = z
  .strictObject({
    name: name.optional(),
    email: email.optional(),
    plan: name.describe('The newest version of it').optional(),
    status: z.enum(['active', 'suspended']).optional(),
    time_zone: timeZone.optional(),
    region: name.nullable().optional(),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'nothing to change')

export const tenantReply = z
  .object({
    tenant_id: tenantId,
    name,
    email: z.string(),
    plan: z.string(),
    plan_version: z.number().int(),
    status: z.enum(['active', 'suspended']),
    subscription: z.enum(SUBSCRIPTION_STATUSES),
    test_clock: instantOut.nullable().describe('What it shows; null: the tenant has none'),
    time_zone: z.string(),
    region: z.string().nullable(),
    created_at: instantOut,
    balance: creditsOut,
    seq: z.number().int().describe("Last line of the tenant's log"),
  })
  .meta({ id: 'Tenant' })

export const tenantsQuery = z.strictObject(pageQuery)
export const tenantsReply = z.object({ data: z.array(tenantReply), next_cursor: nextCursor })

export const creditsBody = z.strictObject({
  amount: credits
    .refine((value) => value !== 0, 'not 0')
    .describe('Negative: an adjustment that takes credits back'),
  reason,
  priority: z
    .number()
    .int()
    .min(0)
    .max(GRANT_PRIORITY_MAX)
    .describe(`Lower burns first; left out: ${GRANT_PRIORITY_DEFAULT}`)
    .optional(),
  expires_at: instant.optional(),
  bought: z
    .boolean()
    .describe(
      'On the invoice of the running period, where the plan has a price for credits; left out: given for nothing',
    )
    .optional(),
  idempotency_key: idempotencyKey.optional(),
})
export const creditsReply = z
  .object({
    event_id: z.string(),
    seq: z.number().int(),
    replayed: z.boolean(),
    balance: creditsOut,
    remaining: creditsOut.describe('Free to spend: balance less held'),
  })
  .meta({ id: 'CreditsGiven' })

export const createServiceBody = z.strictObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
      'letters, digits, dots, dashes and underscores; at most 100',
    ),
  trust_reported: z
    .boolean()
    .describe(
      'Whether credits_used and premium of its events are believed where the catalog has no rule; left out: true',
    )
    .optional(),
})
export const serviceReply = z
  .object({ name: z.string(), trust_reported: z.boolean(), created_at: instantOut })
  .meta({ id: 'Service' })
export const createServiceReply = serviceReply.extend({
  key_id: z.string(),
  key: z.string().describe('Shown once; only its hash is kept'),
})
export const servicesReply = z.object({ data: z.array(serviceReply) })
