import { z } from 'zod'
import { instantOut } from './fields.ts'
import { amount, nextCursor, pageQuery, tenantQuery } from './readings.ts'

/** `draft`: still being worked out, without a number. `open`: issued, not paid. */
export const INVOICE_STATUSES = ['draft', 'open', 'paid', 'uncollectible', 'void'] as const
export type InvoiceStatus = (typeof INVOICE_STATUSES)[number]

const exact = z.string().describe('Exact decimal, never rounded')
const currency = z.string().describe('ISO 4217')
const taxRate = z.string().nullable().describe('Percent; null: no tax is shown')
const billedPeriod = z.object({
  start: instantOut,
  end: instantOut.describe('Last second'),
  timezone: z.string(),
})

export const mathStep = z.object({
  kind: z.enum([
    'fee',
    'included',
    'usage',
    'package',
    'minimum',
    'maximum',
    'as_now',
    'as_billed',
  ]),
  group: z.string().nullable().describe('Which part of a usage that has factors; null: all of it'),
  from: exact.describe('Units after this one'),
  up_to: exact.nullable().describe('… up to this one; null: all that follow'),
  quantity: exact,
  unit_price: exact,
  flat: exact,
  factor: exact,
  amount: exact.describe('(quantity × unit_price + flat) × factor'),
})

export const measuredEntries = z.object({
  first_seq: z.number().int(),
  last_seq: z.number().int(),
  count: z.number().int(),
})

export const invoiceLine = z.object({
  kind: z.enum(['charge', 'adjustment', 'minimum_commitment', 'discount']),
  description: z.string(),
  meter: z.string().nullable().describe('`base` for a fee; null where nothing is measured'),
  quantity: z.number(),
  unit: z.string().nullable(),
  unit_price: amount.nullable().describe('null: not the same for all of it; see math'),
  amount,
  tax_rate: taxRate,
  plan: z.string().nullable(),
  plan_version: z.number().int().nullable(),
  period: z
    .object({ start: instantOut, end: instantOut.describe('Last second') })
    .nullable()
    .describe('null: the whole period of the invoice'),
  entries: measuredEntries
    .nullable()
    .describe('Lines of the log that were measured; null: none are needed'),
  math: z.array(mathStep).describe('What `amount` is the rounded sum of'),
})
export type InvoiceLine = z.infer<typeof invoiceLine>

export const party = z.object({
  name: z.string(),
  address: z.array(z.string()).describe('Lines, as on an envelope'),
  email: z.string().nullable(),
  tax_id: z.string().nullable(),
})
export type Party = z.infer<typeof party>

export const taxOfRate = z.object({
  tax_rate: taxRate,
  subtotal: amount.describe('Of the lines with this rate'),
  tax: amount,
})
export type TaxOfRate = z.infer<typeof taxOfRate>

const issuedDocument = {
  currency,
  period: billedPeriod,
  issued_at: instantOut.nullable(),
  seller: party,
  customer: party,
  lines: z.array(invoiceLine),
  subtotal: amount,
  tax_rate: taxRate.describe(
    'Percent; null: no tax is shown. Corrections have that of the invoice they correct: see taxes',
  ),
  tax: amount,
  taxes: z
    .array(taxOfRate)
    .describe('By rate, that of the document first; they add up to subtotal and tax'),
  total: amount,
}

export const invoiceReply = z
  .object({
    invoice_id: z.string(),
    number: z.string().nullable().describe('Without gaps; null: a draft'),
    status: z.enum(INVOICE_STATUSES),
    plan: z.string().describe('At the end of the period'),
    due_at: instantOut.nullable(),
    paid_at: instantOut.nullable(),
    credited: amount.describe('By credit notes'),
    credit_applied: amount.describe('Taken of what earlier invoices left over below zero'),
    credit_balance: amount.describe('What is left over for the next invoices after this one'),
    amount_due: amount.describe(
      'total less credited and credit_applied; nothing once it is paid or void',
    ),
    ...issuedDocument,
  })
  .meta({ id: 'Invoice' })
export type Invoice = z.infer<typeof invoiceReply>

export const invoicesQuery = z.strictObject({ ...tenantQuery.shape, ...pageQuery })
export const invoicesReply = z.object({ data: z.array(invoiceReply), next_cursor: nextCursor })

export const DOCUMENT_FORMATS = ['json', 'html', 'csv', 'pdf'] as const
export type DocumentFormat = (typeof DOCUMENT_FORMATS)[number]
export const documentQuery = z.strictObject({
  format: z.enum(DOCUMENT_FORMATS).default('json'),
})

export const creditNoteReply = z
  .object({
    credit_note_id: z.string(),
    number: z.string(),
    invoice_id: z.string(),
    invoice_number: z.string(),
    reason: z.string(),
    ...issuedDocument,
  })
  .meta({ id: 'CreditNote', description: 'Takes back a part of an invoice; amounts are positive' })
export type CreditNote = z.infer<typeof creditNoteReply>
