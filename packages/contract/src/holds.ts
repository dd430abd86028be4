import { z } from 'zod'
import {
  creditsOut,
  idempotencyKey,
  instantOut,
  nonNegativeCredits,
  positiveCredits,
  reason,
  tenantId,
} from './fields.ts'
import { HOLD_SECONDS_DEFAULT, HOLD_SECONDS_MAX } from './limits.ts'

export const holdBody = z.strictObject({
  tenant_id: tenantId.describe("With a tenant's key: may be left out").optional(),
  credits: positiveCredits,
  expires_in_seconds: z
    .number()
    .int()
    .min(1)
    .max(HOLD_SECONDS_MAX)
    .describe(`Frees itself after this time; left out: ${HOLD_SECONDS_DEFAULT}`)
    .optional(),
  idempotency_key: idempotencyKey.optional(),
})

export const settleBody = z.strictObject({
  credits: nonNegativeCredits.describe('What the work really cost'),
  allow_more: z.boolean().describe('Whether it may be more than was held').optional(),
})

export const holdReply = z
  .object({
    hold_id: z.string(),
    seq: z.number().int(),
    status: z.enum(['held', 'settled', 'released']),
    replayed: z.boolean(),
    expires_at: instantOut.optional(),
    credits: z.object({
      held: creditsOut.describe('Set aside by this hold when it was made'),
      charged: creditsOut,
      remaining: creditsOut.describe('Free to spend'),
    }),
  })
  .meta({ id: 'Hold' })

export const voidBody = z.strictObject({ reason })

export const voidReply = z
  .object({
    event_id: z.string().describe('Of the compensating entry'),
    voided_event_id: z.string(),
    seq: z.number().int(),
    replayed: z.boolean(),
    credits: z.object({ refunded: creditsOut, remaining: creditsOut }),
  })
  .meta({ id: 'Void' })
