import { z } from 'zod'
import { amount } from './readings.ts'
import { invoiceLine } from './billing.ts'
import { creditsOut, idempotencyKey, instantOut, name, tenantId } from './fields.ts'
import { SUBSCRIPTION_STATUSES } from './codes.ts'

const subject = {
  tenant_id: tenantId
    .describe("Needed with the operator key; with a tenant's own it must match")
    .optional(),
  idempotency_key: idempotencyKey.optional(),
}
const when = z.enum(['now', 'period_end'])

export const subscriptionBody = z.strictObject({
  plan: name.describe('The newest version of it'),
  when: when.default('now'),
  ...subject,
})
export const cancelBody = z
  .strictObject({ when: when.default('period_end'), ...subject })
  .optional()
export const pauseBody = z.strictObject(subject).optional()

export const subscriptionReply = z
  .object({
    plan: z.string(),
    plan_version: z.number().int(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    currency: z.string().describe('In which the tenant is billed; ISO 4217'),
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
    }),
    trial_end: instantOut.nullable().describe('Nothing is charged until then; null: no trial was'),
    pending: z
      .object({
        plan: z.string().nullable().describe('null: the subscription ends'),
        at: instantOut,
        trial_end: instantOut.nullable().describe('Of the trial that begins then; null: none does'),
      })
      .nullable()
      .describe('What happens when the period ends; null: it goes on'),
  })
  .meta({ id: 'Subscription' })
export type SubscriptionReply = z.infer<typeof subscriptionReply>

const change = z.object({ plan: z.string(), amount })

export const subscriptionPreviewReply = z
  .object({
    plan: z.string(),
    plan_version: z.number().int(),
    effective_at: instantOut,
    currency: z.string().describe('ISO 4217'),
    lines_now: z.array(invoiceLine).describe('The running period as it is'),
    lines_then: z.array(invoiceLine).describe('… and as it would be'),
    proration: z.object({
      formula: z.string(),
      left_ms: z.number().int().describe('What is left of the period once the change takes effect'),
      whole_ms: z.number().int(),
    }),
    credit: change.describe('What the plan that is left costs less, below zero; without tax'),
    charge: change.describe('What the plan that is taken costs more; without tax'),
    difference: amount.describe('credit + charge'),
    upcoming_total_now: amount.describe('Of the invoice, discounts and tax included'),
    upcoming_total_then: amount,
    allowance_credits: creditsOut.describe('That are given at once'),
    trial_end: instantOut
      .nullable()
      .describe('Of the trial that runs, or begins with the plan; null: none'),
    next_period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      plan: z.string(),
      fees: z.array(invoiceLine).describe('Without what will be used'),
      total: amount.describe('Of the fees; without tax'),
      allowance_credits: creditsOut.describe(
        'It begins with; without what is kept of earlier ones',
      ),
    }),
  })
  .meta({ id: 'SubscriptionPreview' })
export type SubscriptionPreview = z.infer<typeof subscriptionPreviewReply>
