import Stripe from 'stripe'
import { issueCreditNote } from '../src/billing/credit-notes/issue.ts'
import { tenantOfInvoice } from '../src/billing/invoices/invoice-json.ts'
import { readInvoice } from '../src/billing/invoices/store.ts'
import { get, type Operation, post, put, remove } from './api-operation.ts'
import { type BilledTenants, billedTenants } from './billed-tenants.ts'
import { issuedInvoice } from './issued-invoice.ts'
import { expectStatus, type TestNode } from './node.ts'
import { WEBHOOK_SECRET } from './stripe-server.ts'

/** For a node of the walks, so that the provider's events can be signed. Nobody listens at its address. */
export const WALKED_STRIPE = {
  secretKey: 'sk_test_walked',
  webhookSecret: WEBHOOK_SECRET,
  apiUrl: 'http://127.0.0.1:9',
}

/** How the operations of billing succeed that people do, and those of what they made. */
export function operationsOfBilling(node: TestNode, tenantId: string): Record<string, Operation> {
  return {
    ...profile(tenantId),
    ...discounts(node, tenantId),
    ...issued(node, tenantId),
    'POST /api/billing/webhooks/stripe': {
      ok: 200,
      request: async () => signedEvent(node),
    },
  }
}

function profile(tenantId: string): Record<string, Operation> {
  const body = { legal_name: 'Acme Ltd' }
  return {
    'GET /api/billing/profile': get(`/api/billing/profile?tenant_id=${tenantId}`),
    'PUT /api/billing/profile': put(200, async () => ['/api/billing/profile', body]),
    'PUT /api/admin/tenants/{id}/billing': put(200, async () => [
      `/api/admin/tenants/${tenantId}/billing`,
      { tax_rate: '19' },
    ]),
  }
}

function discounts(node: TestNode, tenantId: string): Record<string, Operation> {
  const wanted = { description: 'Half price', kind: 'percentage', value: '50' }
  const pathOf = (id: string) => `/api/admin/tenants/${id}/discounts`
  /** Of another tenant each time, since one may not have many. */
  const given = async () => {
    const path = pathOf((await node.tenant()).id)
    const { discount_id } = expectStatus(await node.admin('POST', path, wanted), 201).body
    return `${path}/${discount_id}`
  }
  return {
    'POST /api/admin/tenants/{id}/discounts': post(201, async () => [pathOf(tenantId), wanted]),
    'GET /api/admin/tenants/{id}/discounts': get(pathOf(tenantId)),
    'DELETE /api/admin/tenants/{id}/discounts/{discount_id}': remove(204, given),
  }
}

function issued(node: TestNode, tenantId: string): Record<string, Operation> {
  let billed: Promise<BilledTenants> | null = null
  /** An open one, of another tenant each time. */
  const open = async (rest: string) => {
    billed ??= billedTenants(node)
    return `/api/admin/invoices/${(await (await billed).invoiced(1)).invoiceId}/${rest}`
  }
  let noted: Promise<string> | null = null
  const span = 'from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z'
  return {
    'GET /api/admin/invoices': get('/api/admin/invoices'),
    'GET /api/admin/revenue': get(`/api/admin/revenue?${span}`),
    'POST /api/admin/invoices/{id}/status': post(200, async () => [
      await open('status'),
      { status: 'paid' },
    ]),
    'POST /api/admin/invoices/{id}/credit-notes': post(201, async () => [
      await open('credit-notes'),
      { amount: '0.10', reason: 'test' },
    ]),
    'GET /api/billing/credit-notes': get(`/api/billing/credit-notes?tenant_id=${tenantId}`),
    'GET /api/billing/credit-notes/{id}': {
      ok: 200,
      async request() {
        noted ??= creditNoteOf(node, tenantId)
        return { method: 'GET', path: `/api/billing/credit-notes/${await noted}` }
      },
    },
  }
}

/** Over an invoice of the tenant, whatever that asks for. @returns its id */
export async function creditNoteOf(node: TestNode, tenantId: string): Promise<string> {
  const { pool, clock } = node.server
  const invoiceId = await issuedInvoice(node, tenantId)
  const invoice = await readInvoice(pool, tenantOfInvoice(invoiceId)!, invoiceId)
  const nothing = {
    lines: [],
    subtotal: '0.00',
    tax_rate: null,
    tax: '0.00',
    taxes: [],
    total: '0.00',
  }
  const note = await issueCreditNote(pool, invoice!, {
    ...nothing,
    reason: 'test',
    seller: { name: 'Tollgate', address: [], email: null, tax_id: null },
    now: clock.now(),
    throughSeq: null,
    basis: null,
    idempotencyKey: null,
  })
  return note.credit_note_id
}

/** Of a kind that says nothing about our invoices. */
function signedEvent(node: TestNode) {
  const payload = JSON.stringify({
    id: 'evt_1',
    object: 'event',
    type: 'customer.created',
    data: {},
  })
  const signature = new Stripe(WALKED_STRIPE.secretKey).webhooks.generateTestHeaderString({
    payload,
    secret: WALKED_STRIPE.webhookSecret,
    timestamp: node.server.clock.now() / 1_000,
  })
  const path = '/api/billing/webhooks/stripe'
  return { method: 'POST', path, body: payload, headers: { 'stripe-signature': signature } }
}
