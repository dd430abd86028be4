import { z } from 'zod'
import { currency, email, instantOut, money, name, percent, tenantId } from './fields.ts'
import { ADDRESS_LINES_MAX, DISCOUNT_PERIODS_MAX, TAX_ID_CHARS_MAX } from './limits.ts'
import { amount } from './readings.ts'

/** What becomes of calls that come, or are corrected, after their invoice. */
export const LATE_USAGE = ['next_invoice', 'credit_note'] as const

const whoIsBilled = {
  legal_name: name.nullable().describe("null: the tenant's name").optional(),
  address: z.array(name).max(ADDRESS_LINES_MAX).describe('Lines, as on an envelope').optional(),
  email: email.nullable().describe("Where invoices go; null: the tenant's address").optional(),
  tax_id: z
    .string()
    .min(1)
    .max(TAX_ID_CHARS_MAX)
    .nullable()
    .describe('As it is to stand on invoices')
    .optional(),
}

const NOTHING_SAID = 'nothing to change'
function saysSomething(body: object): boolean {
  return Object.values(body).some((value) => value !== undefined)
}

/** What is left out stays as it is. */
export const billingProfileBody = z.strictObject(whoIsBilled).refine(saysSomething, NOTHING_SAID)

export const billingTermsBody = z
  .strictObject({
    ...whoIsBilled,
    tax_rate: percent('from 0').nullable().describe('Percent; null: no tax is shown').optional(),
    currency: currency
      .nullable()
      .describe(
        "One in which every plan that the tenant had has a price; null: the plan's own. Stays once there is an invoice",
      )
      .optional(),
    minimum_commitment: money
      .nullable()
      .describe('What the charges of a period come to at least, before discounts and tax')
      .optional(),
    late_usage: z
      .enum(LATE_USAGE)
      .describe(
        'How what costs less after its invoice is given back: as a line of the next one, or by a credit note',
      )
      .optional(),
  })
  .refine(saysSomething, NOTHING_SAID)

export const billingProfileReply = z
  .object({
    tenant_id: tenantId,
    legal_name: z.string().nullable().describe("null: the tenant's name"),
    address: z.array(z.string()),
    email: z.string().nullable().describe("null: the tenant's address"),
    tax_id: z.string().nullable(),
    tax_rate: z.string().nullable().describe('Percent; null: no tax is shown'),
    currency: z.string().describe('ISO 4217, of the next invoice'),
    minimum_commitment: amount.nullable(),
    late_usage: z.enum(LATE_USAGE),
  })
  .meta({ id: 'BillingProfile', description: 'Who is billed, and how, from the next invoice on' })
export type BillingProfileReply = z.infer<typeof billingProfileReply>

const periods = z.number().int().min(1).max(DISCOUNT_PERIODS_MAX)

export const discountBody = z
  .strictObject({
    description: name.describe('As it is to stand on invoices'),
    kind: z.enum(['percentage', 'amount']),
    value: z
      .string()
      .describe("Percent, or an amount in the tenant's currency, before tax. As in 12.50"),
    periods: periods.describe('Invoices that it takes from; left out: all').optional(),
  })
  .superRefine(({ kind, value }, context) => {
    const parsed = (kind === 'percentage' ? percent('above 0') : money).safeParse(value)
    for (const { message } of parsed.error?.issues ?? []) {
      context.addIssue({ code: 'custom', path: ['value'], message })
    }
  })

export const discountReply = z
  .object({
    discount_id: z.string(),
    description: z.string(),
    kind: z.enum(['percentage', 'amount']),
    value: amount.describe('Percent, or an amount'),
    periods_left: z.number().int().nullable().describe('null: for ever'),
    created_at: instantOut,
  })
  .meta({
    id: 'Discount',
    description:
      'Taken off the charges of an invoice, oldest first, each from what the ones before it left. An amount takes no more than there is, and what it could not take is not kept for later',
  })
export type DiscountReply = z.infer<typeof discountReply>
export const discountsReply = z.object({ data: z.array(discountReply) })
