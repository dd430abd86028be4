import { z } from 'zod'
import { DENIAL_REASONS } from './codes.ts'
import {
  countOfCall,
  creditsOut,
  hasAtMostSixDecimals,
  idempotencyKey,
  instant,
  instantOut,
  name,
  nonNegativeCredits,
  tenantId,
} from './fields.ts'
import {
  BATCH_EVENTS_MAX,
  ENDPOINT_CHARS_MAX,
  OCCURRED_AGO_DAYS_MAX,
  OCCURRED_AHEAD_HOURS_MAX,
  PROPERTIES_BYTES_MAX,
  PROPERTIES_DEPTH_MAX,
  QUANTITY_MAX,
} from './limits.ts'
import { problem } from './problem.ts'

export const properties = z
  .record(z.string(), z.unknown())
  .refine(nestsModestly, {
    message: `nested at most ${PROPERTIES_DEPTH_MAX} deep`,
    // What nests without end could not even be measured.
    abort: true,
  })
  .refine(hasFiniteNumbers, { message: 'a number in it is too large' })
  .refine(
    (value) => new TextEncoder().encode(JSON.stringify(value)).length <= PROPERTIES_BYTES_MAX,
    {
      message: `at most ${PROPERTIES_BYTES_MAX} bytes of JSON`,
    },
  )
  .describe(`Anything of the sender's: a JSON object of at most ${PROPERTIES_BYTES_MAX} bytes`)

/** JSON has no infinity, but 1e400 is read as one, and would be written as null. */
function hasFiniteNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(hasFiniteNumbers)
}

/** Level by level and not by recursion, which deep values are sent to exhaust. */
function nestsModestly(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > PROPERTIES_DEPTH_MAX) return false
    level = level.flatMap((member) =>
      typeof member === 'object' && member !== null ? Object.values(member) : [],
    )
  }
  return true
}

/** What can be said of a call besides who made it to what. */
export const callFields = {
  service_name: name
    .describe('The API project. With a service key: that service if left out')
    .optional(),
  endpoint: z
    .string()
    .min(1)
    .max(ENDPOINT_CHARS_MAX)
    .describe('Path that was called, as in /notes'),
  method: z
    .string()
    .regex(/^[A-Za-z]{1,16}$/, 'an HTTP method')
    .optional(),
  credits_used: nonNegativeCredits
    .describe(
      'Credits the call costs in all; believed only where the catalog has no rule for the endpoint and trusts the service',
    )
    .optional(),
  premium: z.boolean().describe('Believed as credits_used is').optional(),
  timestamp: instant
    .describe(
      `When the call happened, at most ${OCCURRED_AGO_DAYS_MAX} days ago and ${OCCURRED_AHEAD_HOURS_MAX} hours ahead. Left out: now. Statistics go by it for all; the bill only where a service or the operator sent it, else by when it was recorded`,
    )
    .optional(),
  status: z.enum(['success', 'failure']).describe('Left out: success').optional(),
  region: name.optional(),
  feature: name.optional(),
  file_type: name.describe('Format that went in, as in xlsx').optional(),
  output_format: name.describe('Format that came out, as in json').optional(),
  file_size_bytes: countOfCall.optional(),
  processing_time_ms: countOfCall.optional(),
  error_code: name.optional(),
  token_count: countOfCall.optional(),
  quantity: z
    .number()
    .min(0)
    .max(QUANTITY_MAX)
    .refine(hasAtMostSixDecimals, 'at most 6 decimals')
    .describe('Units the call counts for, at most 6 decimals. Left out: 1')
    .optional(),
  properties: properties.optional(),
}

export const trackEvent = z
  .strictObject({
    tenant_id: tenantId.describe("With a tenant's key: may be left out").optional(),
    account_id: tenantId.describe('Another name for tenant_id').optional(),
    ...callFields,
    idempotency_key: idempotencyKey.optional(),
  })
  .meta({ id: 'TrackEvent' })
export type TrackEvent = z.infer<typeof trackEvent>

/** Events of a batch are checked one by one, so that a bad one does not harm the others. */
export const trackBody = z.union([
  trackEvent,
  z.array(trackEvent).min(1).max(BATCH_EVENTS_MAX).describe(`Up to ${BATCH_EVENTS_MAX} events`),
])

export const rateLimitState = z.object({
  limit: z.number().int(),
  per: z.enum(['second', 'minute', 'hour', 'day']),
  remaining: z.number().int(),
  resets_at: instantOut,
})

export const quotaState = z.object({
  used: z.number().describe('Units in the running period'),
  limit: z.number().nullable().describe('null: none'),
  remaining: z.number().nullable(),
  resets_at: instantOut,
})

export const keyLimitState = z.object({
  limit: z.number().describe('Units the key may use in a period'),
  used: z.number().describe('In the running period, since the limit was set'),
  remaining: z.number(),
  resets_at: instantOut,
})

export const trackReply = z
  .object({
    event_id: z.string(),
    idempotency_key: z.string(),
    seq: z.number().int().describe("Place in the tenant's log"),
    decision: z.enum(['allowed', 'denied']),
    reason: z.enum(DENIAL_REASONS).nullable(),
    replayed: z.boolean().describe('The key was known: this is the first decision again'),
    overage: z.boolean().describe('Went beyond quota or credits'),
    credits: z.object({ charged: creditsOut, remaining: creditsOut }),
    quota: quotaState,
    rate_limits: z.array(rateLimitState),
    key_limit: keyLimitState.describe("The key's own limit; left out: it has none").optional(),
  })
  .meta({ id: 'Decision' })
export type TrackReply = z.infer<typeof trackReply>

export const trackBatchReply = z
  .object({
    results: z.array(
      z.union([z.object({ status: z.number().int(), ...trackReply.shape }), problem]),
    ),
  })
  .meta({ id: 'BatchResult', description: 'One result for each event, in order' })
