import {
  adminInvoicesReply,
  billingProfileReply,
  creditNoteReply,
  creditNotesReply,
  discountReply,
  discountsReply,
  invoiceReply,
  paymentEventReply,
  revenueReply,
} from '@tollgate/contract'
import { z } from 'zod'

/** What people make of bills, and how these operations answer. */
export const BILLING_REPLIES: Record<string, Record<number, z.ZodType>> = {
  'GET /api/billing/profile': { 200: billingProfileReply },
  'PUT /api/billing/profile': { 200: billingProfileReply },
  'PUT /api/admin/tenants/{id}/billing': { 200: billingProfileReply },
  'POST /api/admin/tenants/{id}/discounts': { 201: discountReply },
  'GET /api/admin/tenants/{id}/discounts': { 200: discountsReply },
  'DELETE /api/admin/tenants/{id}/discounts/{discount_id}': { 204: z.literal('') },
  'GET /api/admin/invoices': { 200: adminInvoicesReply },
  'GET /api/admin/revenue': { 200: revenueReply },
  'POST /api/admin/invoices/{id}/status': { 200: invoiceReply },
  'POST /api/admin/invoices/{id}/credit-notes': { 200: creditNoteReply, 201: creditNoteReply },
  'GET /api/billing/credit-notes': { 200: creditNotesReply },
  'GET /api/billing/credit-notes/{id}': { 200: creditNoteReply },
  'POST /api/billing/webhooks/stripe': { 200: paymentEventReply },
}
