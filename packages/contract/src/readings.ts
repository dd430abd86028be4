import { z } from 'zod'
import { DENIAL_REASONS, SUBSCRIPTION_STATUSES } from './codes.ts'
import { count, creditsOut, instantOut, queryNumberOr, tenantId } from './fields.ts'
import { PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX } from './limits.ts'
import { quotaState, rateLimitState } from './track.ts'

export const tenantQuery = z.strictObject({
  tenant_id: tenantId
    .describe("Needed with a service or operator key; with a tenant's key it must match")
    .optional(),
})

export const pageQuery = {
  limit: queryNumberOr(PAGE_ROWS_DEFAULT, 1, PAGE_ROWS_MAX),
  cursor: z.string().min(1).max(200).describe('next_cursor of the page before').optional(),
}
export const entriesQuery = z.strictObject({ ...tenantQuery.shape, ...pageQuery })
export const nextCursor = z.string().nullable().describe('null: there is no more')

export const quotaReply = z
  .object({
    plan: z.string(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
    }),
    quota: quotaState.extend({ overage: z.number().describe('Units beyond the limit') }),
    credits: z.object({
      required: z.boolean().describe('Whether the plan pays calls from credits'),
      balance: creditsOut,
      held: creditsOut,
      remaining: creditsOut.describe('Free to spend: balance less held'),
    }),
    rate_limits: z.array(rateLimitState),
  })
  .meta({ id: 'Quota' })

export const summaryReply = z
  .object({
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
    }),
    subscription: z.object({
      plan: z.string(),
      status: z.enum(SUBSCRIPTION_STATUSES),
      renewed_at: instantOut,
      expires_at: instantOut,
    }),
    usage: z.object({
      conversions: z.object({
        used: z.number(),
        limit: z.number().nullable().describe('null: none, as are percentage and remaining then'),
        percentage: z.number().nullable(),
        remaining: z.number().nullable(),
      }),
      storage: z.object({
        bytes_processed: count,
        mb_processed: z.number().describe('1 MB is 1,048,576 bytes; one decimal'),
        largest_file_mb: z.number(),
      }),
    }),
    current_rate: z.object({
      daily_average: z.number().describe('Units per day of the period so far, rounded'),
      projected_monthly: z.number().describe('daily_average × 30'),
      days_until_limit: z.number().int().nullable().describe('null: no limit, or no usage'),
    }),
  })
  .meta({ id: 'UsageSummary' })
export type UsageSummary = z.infer<typeof summaryReply>

export const amount = z.string().describe('Decimal')
export const billingReply = z
  .object({
    plan: z.string(),
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
    }),
    currency: z.string().describe('ISO 4217'),
    lines: z.array(
      z.object({
        description: z.string(),
        meter: z.string(),
        quantity: z.number(),
        unit_price: amount,
        amount,
      }),
    ),
    subtotal: amount,
    total: amount,
  })
  .meta({ id: 'RunningBill' })

export const entryReply = z
  .object({
    event_id: z.string(),
    seq: z.number().int(),
    kind: z.string(),
    recorded_at: instantOut,
    occurred_at: instantOut,
    self_reported: z
      .literal(true)
      .describe(
        'The tenant’s own credentials sent it, with a time: billed by recorded_at, not by occurred_at',
      )
      .optional(),
    decision: z.enum(['allowed', 'denied']),
    reason: z.enum(DENIAL_REASONS).nullable(),
    overage: z.boolean(),
    counted: z.boolean().describe('Uses quota, credits and money'),
    credits: z.object({
      change: creditsOut.describe('What the balance changed by'),
      cost: creditsOut.describe('What it costs, taken or not'),
      remaining: creditsOut.describe('Free to spend after this line'),
    }),
    used: z.number().describe('Quota used in the period after this line'),
    key_id: z.string().nullable().describe('The key that sent it; null: no key did'),
    team: z.string().nullable().describe('The team that the key belongs to'),
    member_id: z
      .string()
      .nullable()
      .describe('The person who sent it; null: a key or Tollgate did'),
    service_name: z.string().optional(),
    endpoint: z.string().optional(),
    method: z.string().optional(),
    status: z.enum(['success', 'failure']).optional(),
    region: z.string().optional(),
    feature: z.string().optional(),
    file_type: z.string().optional(),
    output_format: z.string().optional(),
    error_code: z.string().optional(),
    file_size_bytes: count.optional(),
    processing_time_ms: count.optional(),
    token_count: count.optional(),
    quantity: z.number().optional(),
    properties: z.record(z.string(), z.unknown()).optional(),
    detail: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Entry', description: "A line of a tenant's log" })
export type EntryReply = z.infer<typeof entryReply>

export const entriesReply = z.object({ data: z.array(entryReply), next_cursor: nextCursor })
