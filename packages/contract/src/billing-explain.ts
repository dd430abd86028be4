import { z } from 'zod'
import { invoiceLine, mathStep } from './billing.ts'
import { instantOut } from './fields.ts'
import { amount } from './readings.ts'

export const lateLine = z.object({
  seq: z.number().int(),
  event_id: z.string(),
  kind: z.string(),
  occurred_at: instantOut.describe(
    'When it happened, of a void what it takes back; of what the tenant sent itself, when it was recorded: what the bill goes by',
  ),
})

export const explainedLine = invoiceLine
  .pick({
    kind: true,
    description: true,
    meter: true,
    unit: true,
    plan: true,
    plan_version: true,
    period: true,
    entries: true,
  })
  .extend({
    rule: z.string().describe('How the amount comes about, in words'),
    math: z.array(mathStep),
    sum_of_math: z
      .string()
      .nullable()
      .describe('Exact, never rounded: `amount` before it was. null: the rule says it all'),
    amount,
    late: z
      .object({
        period_start: instantOut.describe('Of the earlier period'),
        lines: z.array(lateLine),
        more: z.boolean().describe('Whether there are more lines than are named'),
      })
      .nullable()
      .describe(
        'Of an adjustment: the lines of the log that came after the invoice of their period',
      ),
  })
export type ExplainedLine = z.infer<typeof explainedLine>

export const creditOrigin = z.object({
  invoice_id: z.string(),
  number: z.string(),
  total: amount.describe('Below zero: what it left over'),
  amount: amount.describe('How much of that was taken'),
})
export type CreditOrigin = z.infer<typeof creditOrigin>

export const explainReply = z
  .object({
    invoice_id: z.string(),
    number: z.string(),
    currency: z.string().describe('ISO 4217'),
    period: z.object({
      start: instantOut,
      end: instantOut.describe('Last second'),
      timezone: z.string(),
    }),
    through_seq: z.number().int().describe('The log up to this line is on it'),
    past_retention: z
      .boolean()
      .describe(
        'The lines of its period are past retention and deleted: they can be read and measured no more. The invoice stays',
      ),
    lines: z.array(explainedLine),
    totals: z
      .array(
        z.object({
          what: z.enum([
            'subtotal',
            'tax',
            'total',
            'credit_applied',
            'credited',
            'credit_given_back',
            'left_over',
            'paid',
            'void',
            'amount_due',
          ]),
          rule: z.string(),
          amount,
        }),
      )
      .describe(
        'What the lines come to, and from there to what is due now: total and all that is between add up to amount_due',
      ),
    credit_from: z
      .array(creditOrigin)
      .describe('Where the credit that was applied came from, oldest first; it adds up to that'),
  })
  .meta({ id: 'InvoiceExplanation' })
export type InvoiceExplanation = z.infer<typeof explainReply>
