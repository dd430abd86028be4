import { z } from 'zod'
import {
  credits,
  creditsOut,
  idempotencyKey,
  instantOut,
  positiveCredits,
  tenantId,
} from './fields.ts'
import { amount, pageQuery, tenantQuery } from './readings.ts'

/** Why nobody can say when the credits end. */
export const NO_FORECAST_REASONS = [
  'not_running',
  'credits_not_required',
  'too_little_data',
  'no_usage',
  'beyond_horizon',
] as const
export type NoForecastReason = (typeof NO_FORECAST_REASONS)[number]

export const GRANT_KINDS = ['grant', 'bought', 'allowance', 'refund'] as const
export type GrantKind = (typeof GRANT_KINDS)[number]

export const creditsQuery = tenantQuery
export const creditsStateReply = z
  .object({
    required: z.boolean().describe('Whether the plan pays calls from credits'),
    balance: creditsOut,
    held: creditsOut,
    remaining: creditsOut.describe('Free to spend: balance less held'),
    grants: z
      .array(
        z.object({
          event_id: z
            .string()
            .nullable()
            .describe('The line that gave it; null: it is written with the next command'),
          kind: z.enum(GRANT_KINDS),
          reason: z.string().nullable(),
          remaining: creditsOut,
          priority: z.number().int(),
          expires_at: instantOut.nullable(),
        }),
      )
      .describe('In the order in which they burn'),
    next_expiry: z
      .object({ at: instantOut, credits: creditsOut.describe('That lapse if nobody uses them') })
      .nullable(),
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
      burned: creditsOut,
      overage: creditsOut.describe('That reported calls cost beyond the balance'),
    }),
    allowance: z
      .object({
        credits: creditsOut,
        rollover_max: creditsOut.describe('Of what is left of a period, so much is kept'),
        next_at: instantOut.nullable().describe('null: no other period begins with it'),
      })
      .nullable()
      .describe('What a period begins with; null: the plan gives none'),
    forecast: z.object({
      per_day: creditsOut.nullable().describe('Burned a day; null: too little data'),
      basis: z.object({ from: instantOut, to: instantOut, days: z.number() }),
      runs_out_at: instantOut
        .nullable()
        .describe('If it goes on like this, expiries and allowances to come included'),
      reason: z
        .enum(NO_FORECAST_REASONS)
        .nullable()
        .describe('Why runs_out_at is null; beyond_horizon: not within a year'),
    }),
  })
  .meta({ id: 'Credits' })
export type CreditsState = z.infer<typeof creditsStateReply>

export const creditEntriesQuery = z.strictObject({
  ...tenantQuery.shape,
  ...pageQuery,
  calls: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'true: calls that burned credits, too. A page may then have fewer lines than asked for, and is the last only without next_cursor',
    ),
})

export const topUpBody = z.strictObject({
  credits: positiveCredits,
  tenant_id: tenantId
    .describe("Needed with the operator key; with a tenant's own it must match")
    .optional(),
  idempotency_key: idempotencyKey.optional(),
})
export const topUpReply = z
  .object({
    event_id: z.string(),
    seq: z.number().int(),
    replayed: z.boolean(),
    credits,
    currency: z.string().describe('ISO 4217'),
    credit_price: amount,
    amount: amount.describe('On the invoice of the running period; without tax'),
    balance: creditsOut,
    remaining: creditsOut.describe('Free to spend: balance less held'),
  })
  .meta({ id: 'TopUp' })
