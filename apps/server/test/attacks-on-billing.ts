import type { Sent } from './api-request.ts'

type Ids = { tenant: string; invoice: string; creditNote: string; discount: string }
type Attack = { expect: number; sent(ids: Ids): Sent }

const attack = (
  method: string,
  path: (ids: Ids) => string,
  expect: number,
  body?: object,
): Attack => ({
  expect,
  sent: (ids) => ({ method, path: path(ids), ...(body === undefined ? {} : { body }) }),
})
const discount = { description: 'Mine', kind: 'percentage', value: '100' }

/** How a tenant would reach for another's bills, and for its own where only the operator may. */
export const ATTACKS_ON_BILLING: Record<string, Attack[]> = {
  'GET /api/billing/profile': [
    attack('GET', ({ tenant }) => `/api/billing/profile?tenant_id=${tenant}`, 404),
  ],
  'PUT /api/billing/profile': [
    attack('PUT', ({ tenant }) => `/api/billing/profile?tenant_id=${tenant}`, 404, {
      legal_name: 'Mine',
    }),
  ],
  'GET /api/billing/credit-notes': [
    attack('GET', ({ tenant }) => `/api/billing/credit-notes?tenant_id=${tenant}`, 404),
  ],
  'GET /api/billing/credit-notes/{id}': [
    attack('GET', ({ creditNote }) => `/api/billing/credit-notes/${creditNote}`, 404),
  ],
  'PUT /api/admin/tenants/{id}/billing': [
    attack('PUT', ({ tenant }) => `/api/admin/tenants/${tenant}/billing`, 403, { tax_rate: '0' }),
  ],
  'POST /api/admin/tenants/{id}/discounts': [
    attack('POST', ({ tenant }) => `/api/admin/tenants/${tenant}/discounts`, 403, discount),
  ],
  'GET /api/admin/tenants/{id}/discounts': [
    attack('GET', ({ tenant }) => `/api/admin/tenants/${tenant}/discounts`, 403),
  ],
  'DELETE /api/admin/tenants/{id}/discounts/{discount_id}': [
    attack('DELETE', (ids) => `/api/admin/tenants/${ids.tenant}/discounts/${ids.discount}`, 403),
  ],
  'POST /api/admin/invoices/{id}/status': [
    attack('POST', ({ invoice }) => `/api/admin/invoices/${invoice}/status`, 403, {
      status: 'paid',
    }),
  ],
  'POST /api/admin/invoices/{id}/credit-notes': [
    attack('POST', ({ invoice }) => `/api/admin/invoices/${invoice}/credit-notes`, 403, {
      amount: '1.00',
      reason: 'x',
    }),
  ],
}
