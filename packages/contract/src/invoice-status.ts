import { z } from 'zod'
import { creditNoteReply, invoiceReply } from './billing.ts'
import { idempotencyKey, money, reason, tenantId } from './fields.ts'
import { nextCursor, pageQuery, tenantQuery } from './readings.ts'

/** What people make of an invoice that was issued. */
export const SETTLED_STATUSES = ['paid', 'uncollectible', 'void'] as const

export const invoiceStatusBody = z.strictObject({
  status: z.enum(SETTLED_STATUSES),
  reason: reason.optional(),
})

export const adminInvoicesQuery = z.strictObject({
  status: z.enum(['open', ...SETTLED_STATUSES]).optional(),
  test_clock: z
    .enum(['true', 'false'])
    .default('false')
    .describe('true: of tenants on test clocks, which are never among the others'),
  ...pageQuery,
})
export const adminInvoiceReply = invoiceReply
  .extend({ tenant_id: tenantId })
  .meta({ id: 'TenantInvoice' })
export const adminInvoicesReply = z.object({
  data: z.array(adminInvoiceReply),
  next_cursor: nextCursor,
})

export const creditNoteBody = z.strictObject({
  amount: money.describe('With tax, in the currency of the invoice'),
  reason,
  idempotency_key: idempotencyKey.optional(),
})
export const creditNotesQuery = z.strictObject({ ...tenantQuery.shape, ...pageQuery })
export const creditNotesReply = z.object({
  data: z.array(creditNoteReply),
  next_cursor: nextCursor,
})

export const paymentEventReply = z.object({ received: z.literal(true) })
