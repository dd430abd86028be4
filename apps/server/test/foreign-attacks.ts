import { ATTACKS_ON_BILLING } from './attacks-on-billing.ts'
import { USAGE } from './api-operations.ts'
import { BATCHED, type Sent, STRUCTURED } from './api-request.ts'

/** What belongs to a tenant and could be guessed or leak. */
export type Ids = {
  tenant: string
  hold: string
  event: string
  key: string
  member: string
  invitation: string
  invoice: string
  creditNote: string
  discount: string
  alert: string
}
export type Attack = { expect: number; sent(ids: Ids): Sent }

const cloudEvent = (subject: string) => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: 's',
  type: 't',
  subject,
})
const get = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'GET', path: path(ids) }),
})
const post = (
  path: (ids: Ids) => string,
  body: (ids: Ids) => unknown,
  expect = 404,
  headers = {},
): Attack => ({
  expect,
  sent: (ids) => ({ method: 'POST', path: path(ids), body: body(ids), headers }),
})

const patch = (path: (ids: Ids) => string, body: unknown, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'PATCH', path: path(ids), body }),
})
const remove = (path: (ids: Ids) => string, expect = 404): Attack => ({
  expect,
  sent: (ids) => ({ method: 'DELETE', path: path(ids) }),
})

/** On each reading of the Usage API. */
function onUsage(): Record<string, Attack[]> {
  const attacks = USAGE.flatMap((name) => [
    [`GET /api/usage/${name}`, [get(({ tenant }) => `/api/usage/${name}?tenant_id=${tenant}`)]],
    [
      `GET /api/admin/tenants/{id}/usage/${name}`,
      [get(({ tenant }) => `/api/admin/tenants/${tenant}/usage/${name}`, 403)],
    ],
  ])
  return Object.fromEntries(attacks)
}

/** How a tenant would reach for what is another's, on each operation that takes an id. */
export const ATTACKS: Record<string, Attack[]> = {
  ...ATTACKS_ON_BILLING,
  'POST /api/track': [
    post(
      () => '/api/track',
      ({ tenant }) => ({ tenant_id: tenant, endpoint: '/x' }),
    ),
    post(
      () => '/api/track',
      ({ tenant }) => ({ account_id: tenant, endpoint: '/x' }),
    ),
    post(
      () => '/api/track',
      ({ tenant }) => [{ tenant_id: tenant, endpoint: '/x' }],
      200,
    ),
  ],
  'POST /api/events': [
    post(
      () => '/api/events',
      ({ tenant }) => cloudEvent(tenant),
      404,
      STRUCTURED,
    ),
    post(
      () => '/api/events',
      ({ tenant }) => [cloudEvent(tenant)],
      404,
      BATCHED,
    ),
    {
      expect: 404,
      sent: ({ tenant }) => ({
        method: 'POST',
        path: '/api/events',
        headers: Object.fromEntries(
          Object.entries(cloudEvent(tenant)).map(([name, value]) => [`ce-${name}`, value]),
        ),
        body: {},
      }),
    },
  ],
  'POST /api/events/{id}/void': [
    post(
      ({ event }) => `/api/events/${event}/void`,
      () => ({ reason: 'x' }),
      403,
    ),
  ],
  'POST /api/holds': [
    post(
      () => '/api/holds',
      ({ tenant }) => ({ tenant_id: tenant, credits: 1 }),
    ),
  ],
  'POST /api/holds/{id}/settle': [
    post(
      ({ hold }) => `/api/holds/${hold}/settle`,
      () => ({ credits: 1 }),
    ),
  ],
  'POST /api/holds/{id}/release': [
    post(
      ({ hold }) => `/api/holds/${hold}/release`,
      () => ({}),
    ),
  ],
  'GET /api/quota': [get(({ tenant }) => `/api/quota?tenant_id=${tenant}`)],
  'GET /api/entries': [get(({ tenant }) => `/api/entries?tenant_id=${tenant}`)],
  ...onUsage(),
  'GET /api/usage/alerts': [get(({ tenant }) => `/api/usage/alerts?tenant_id=${tenant}`)],
  'GET /api/admin/tenants/{id}/usage/alerts': [
    get(({ tenant }) => `/api/admin/tenants/${tenant}/usage/alerts`, 403),
  ],
  'POST /api/usage/alerts': [
    post(
      ({ tenant }) => `/api/usage/alerts?tenant_id=${tenant}`,
      () => ({ alerts: [{ type: 'daily_limit', threshold: 1 }] }),
    ),
  ],
  'DELETE /api/usage/alerts/{alert_id}': [
    remove(({ alert }) => `/api/usage/alerts/${alert}`),
    remove(({ alert, tenant }) => `/api/usage/alerts/${alert}?tenant_id=${tenant}`),
  ],
  'GET /api/credits': [get(({ tenant }) => `/api/credits?tenant_id=${tenant}`)],
  'GET /api/credits/entries': [get(({ tenant }) => `/api/credits/entries?tenant_id=${tenant}`)],
  'POST /api/credits/top-ups': [
    post(
      () => '/api/credits/top-ups',
      ({ tenant }) => ({ tenant_id: tenant, credits: 1 }),
    ),
  ],
  'GET /api/subscription': [get(({ tenant }) => `/api/subscription?tenant_id=${tenant}`)],
  ...Object.fromEntries(
    ['', '/preview', '/cancel', '/pause', '/resume'].map((path) => [
      `POST /api/subscription${path}`,
      [
        post(
          () => `/api/subscription${path}`,
          ({ tenant }) => ({
            tenant_id: tenant,
            ...(['', '/preview'].includes(path) ? { plan: 'pro' } : {}),
          }),
        ),
      ],
    ]),
  ),
  'GET /api/billing/current': [get(({ tenant }) => `/api/billing/current?tenant_id=${tenant}`)],
  'GET /api/billing/upcoming': [get(({ tenant }) => `/api/billing/upcoming?tenant_id=${tenant}`)],
  'GET /api/billing/invoices': [get(({ tenant }) => `/api/billing/invoices?tenant_id=${tenant}`)],
  'GET /api/billing/invoices/{id}': [get(({ invoice }) => `/api/billing/invoices/${invoice}`)],
  'GET /api/billing/invoices/{id}/explain': [
    get(({ invoice }) => `/api/billing/invoices/${invoice}/explain`),
  ],
  'POST /api/admin/tenants/{id}/clock': [
    post(
      ({ tenant }) => `/api/admin/tenants/${tenant}/clock`,
      () => ({ now: '2025-01-01T00:00:00Z' }),
      403,
    ),
  ],
  'GET /api/admin/tenants/{id}': [get(({ tenant }) => `/api/admin/tenants/${tenant}`, 403)],
  'PATCH /api/admin/tenants/{id}': [
    {
      expect: 403,
      sent: ({ tenant }) => ({
        method: 'PATCH',
        path: `/api/admin/tenants/${tenant}`,
        body: { name: 'mine' },
      }),
    },
  ],
  'POST /api/admin/tenants/{id}/credits': [
    post(
      ({ tenant }) => `/api/admin/tenants/${tenant}/credits`,
      () => ({ amount: -1, reason: 'x' }),
      403,
    ),
  ],
  'POST /api/admin/tenants/{id}/keys': [
    post(
      ({ tenant }) => `/api/admin/tenants/${tenant}/keys`,
      () => ({}),
      403,
    ),
  ],
  'GET /api/admin/tenants/{id}/keys': [
    get(({ tenant }) => `/api/admin/tenants/${tenant}/keys`, 403),
  ],
  'PATCH /api/keys/{id}': [patch(({ key }) => `/api/keys/${key}`, { name: 'mine' })],
  'POST /api/keys/{id}/rotate': [
    post(
      ({ key }) => `/api/keys/${key}/rotate`,
      () => ({}),
    ),
  ],
  'DELETE /api/keys/{id}': [remove(({ key }) => `/api/keys/${key}`)],
  'PATCH /api/admin/tenants/{id}/keys/{key_id}': [
    patch(({ tenant, key }) => `/api/admin/tenants/${tenant}/keys/${key}`, { name: 'mine' }, 403),
  ],
  'POST /api/admin/tenants/{id}/keys/{key_id}/rotate': [
    post(
      ({ tenant, key }) => `/api/admin/tenants/${tenant}/keys/${key}/rotate`,
      () => ({}),
      403,
    ),
  ],
  'DELETE /api/admin/keys/{id}': [
    { expect: 403, sent: ({ key }) => ({ method: 'DELETE', path: `/api/admin/keys/${key}` }) },
  ],
  'POST /api/admin/tenants/{id}/unlock': [
    post(
      ({ tenant }) => `/api/admin/tenants/${tenant}/unlock`,
      () => ({}),
      403,
    ),
  ],
  'POST /api/admin/members/{id}/unlock': [
    post(
      ({ member }) => `/api/admin/members/${member}/unlock`,
      () => ({}),
      403,
    ),
  ],
  'GET /api/admin/audit': [get(({ tenant }) => `/api/admin/audit?tenant_id=${tenant}`, 403)],
  // Of people only, whom a key is not; between people: sign-in/sessions.test.ts.
  'DELETE /auth/sessions/{id}': [
    { expect: 403, sent: ({ key }) => ({ method: 'DELETE', path: `/auth/sessions/${key}` }) },
  ],
  'POST /api/admin/tenants': [
    post(
      () => '/api/admin/tenants',
      ({ tenant }) => ({ tenant_id: tenant, name: 'n', email: 'n@example.com', plan: 'pro' }),
      403,
    ),
  ],
  'PATCH /api/members/{id}': [
    {
      expect: 404,
      sent: ({ member }) => ({
        method: 'PATCH',
        path: `/api/members/${member}`,
        body: { role: 'viewer' },
      }),
    },
  ],
  'DELETE /api/members/{id}': [
    {
      expect: 404,
      sent: ({ member }) => ({ method: 'DELETE', path: `/api/members/${member}` }),
    },
  ],
  'DELETE /api/members/invitations/{id}': [
    {
      expect: 404,
      sent: ({ invitation }) => ({
        method: 'DELETE',
        path: `/api/members/invitations/${invitation}`,
      }),
    },
  ],
  'GET /api/admin/tenants/{id}/members': [
    get(({ tenant }) => `/api/admin/tenants/${tenant}/members`, 403),
  ],
  'PATCH /api/admin/members/{id}': [
    {
      expect: 403,
      sent: ({ member }) => ({
        method: 'PATCH',
        path: `/api/admin/members/${member}`,
        body: { role: 'support' },
      }),
    },
  ],
  'DELETE /api/admin/members/{id}': [
    {
      expect: 403,
      sent: ({ member }) => ({ method: 'DELETE', path: `/api/admin/members/${member}` }),
    },
  ],
  'DELETE /api/admin/members/invitations/{id}': [
    {
      expect: 403,
      sent: ({ invitation }) => ({
        method: 'DELETE',
        path: `/api/admin/members/invitations/${invitation}`,
      }),
    },
  ],
}
