import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { entryId } from '../src/lib/ids.ts'
import { BATCHED, STRUCTURED, send } from './api-request.ts'
import {
  type Attack,
  attacksOnUsage,
  get,
  type Ids,
  patch,
  post,
  remove,
} from './foreign-attacks.ts'
import { expectStatus, type Reply, testNode } from './node.ts'

const node = await testNode()
after(() => node.stop())
const attacker = await withEveryScope(await node.tenant({ plan: 'prepaid' }))
const victim = await withEveryScope(await node.tenant({ plan: 'prepaid' }))
const given = { amount: 100, reason: 'test' }
for (const { id } of [attacker, victim]) {
  expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/credits`, given), 201)
}
const foreign = await idsOf(victim)
const NO_TENANT_NO = 2_000_000
const missing: Ids = {
  tenant: 'nobody',
  hold: entryId('hld', NO_TENANT_NO, 3),
  event: entryId('evt', NO_TENANT_NO, 3),
  key: 'key_00000000000000000000',
  member: 'mem_00000000000000000000',
  invitation: 'inv_00000000000000000000',
}

const cloudEvent = (subject: string) => ({
  specversion: '1.0',
  id: crypto.randomUUID(),
  source: 's',
  type: 't',
  subject,
})
/** How a tenant would reach for what is another's, on each operation that takes an id. */
const ATTACKS: Record<string, Attack[]> = {
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
  ...attacksOnUsage(),
  'GET /api/billing/current': [get(({ tenant }) => `/api/billing/current?tenant_id=${tenant}`)],
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
const TAKES_NO_ID = [
  'POST /api/billing/estimate',
  'POST /auth/signup',
  'POST /auth/login',
  'POST /auth/refresh',
  'POST /auth/logout',
  'GET /auth/me',
  'GET /auth/sessions',
  'POST /auth/password/change',
  'POST /auth/password/forgot',
  'POST /auth/password/reset',
  'POST /auth/email/verify',
  'POST /auth/email/verify/resend',
  'GET /.well-known/jwks.json',
  'POST /api/admin/signing-keys/rotate',
  // Its filters look through the caller's own chain alone: audit/routes.test.ts.
  'GET /api/audit',
  'GET /api/admin/tenants',
  'GET /api/admin/services',
  'POST /api/admin/services',
  'POST /api/admin/services/{name}/keys',
  'GET /api/admin/services/{name}/keys',
  'GET /api/members',
  'GET /api/members/invitations',
  'POST /api/members/invitations',
  'GET /api/admin/members',
  'GET /api/admin/members/invitations',
  'POST /api/admin/members/invitations',
  'POST /auth/invitations/accept',
  'GET /api/keys',
  'POST /api/keys',
  'GET /health',
  'GET /ready',
  'GET /metrics',
  'GET /openapi.json',
]

const { paths } = (await node.call('GET', '/openapi.json', null)).body
const operations = Object.entries<object>(paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
)

for (const operation of operations) {
  if (TAKES_NO_ID.includes(operation)) continue
  test(`${operation}: another tenant's id is answered as one that does not exist`, async () => {
    const attacks = ATTACKS[operation]
    assert.ok(attacks, `Say in ATTACKS how a tenant would reach for another's data by ${operation}`)
    const before = await seqOf(victim.id)
    for (const attack of attacks) {
      const refused = await send(node.url, attacker.key, attack.sent(foreign))
      const unknown = await send(node.url, attacker.key, attack.sent(missing))
      assert.equal(refused.status, attack.expect, JSON.stringify(refused.body))
      assert.deepEqual(visible(refused), visible(unknown))
    }
    assert.equal(await seqOf(victim.id), before)
  })
}

test('no operation is listed here that is gone', () => {
  const known = [...Object.keys(ATTACKS), ...TAKES_NO_ID].sort()
  assert.deepEqual(known, [...operations].sort())
})

test('what the victim owns is still there', async () => {
  const { body } = await node.call('GET', '/api/quota', victim.key)
  assert.deepEqual(body.credits, { required: true, balance: 99, held: 10, remaining: 89 })
  expectStatus(
    await node.call('POST', `/api/holds/${foreign.hold}/settle`, victim.key, { credits: 1 }),
    200,
  )
  const service = await node.service()
  const reason = { reason: 'was possible all the time' }
  expectStatus(
    await node.call('POST', `/api/events/${foreign.event}/void`, service.key, reason),
    200,
  )
})

test("a tenant's own ids, used as what they are not, do not exist either", async () => {
  const own = await idsOf(attacker)
  const asHold = own.event.replace('evt_', 'hld_')
  for (const hold of [asHold, own.event, own.hold.toUpperCase(), `${own.hold}0`, 'hld_', 'x']) {
    const reply = await node.call('POST', `/api/holds/${hold}/release`, attacker.key)
    assert.equal(reply.status, 404, `${hold}: ${JSON.stringify(reply.body)}`)
  }
})

/** All of a reply that its reader can see, but for the id and the time of the request. */
function visible({ status, headers, body }: Reply) {
  const shown = [...headers].filter(
    ([name]) => !['date', 'x-request-id', 'content-length'].includes(name),
  )
  const text = JSON.stringify(body).replaceAll(/"request_id":"[^"]+"/g, '')
  return { status, headers: shown, text }
}

async function idsOf({ id, key }: { id: string; key: string }): Promise<Ids> {
  const call = expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  const hold = expectStatus(await node.call('POST', '/api/holds', key, { credits: 10 }), 201)
  const keys = await node.admin('GET', `/api/admin/tenants/${id}/keys`)
  const invited = { email: `invited-to-${id}@example.com`, role: 'viewer' }
  const invitation = await node.call('POST', '/api/members/invitations', key, invited)
  return {
    tenant: id,
    member: await memberOf(id),
    invitation: expectStatus(invitation, 201).body.invitation_id,
    hold: hold.body.hold_id,
    event: call.body.event_id,
    key: keys.body.data[0].key_id,
  }
}

/** What it reaches for is refused for being another's, and not for what the key may not do. */
async function withEveryScope({ id }: { id: string }): Promise<{ id: string; key: string }> {
  const scopes = { scopes: ['track', 'read', 'admin'] }
  const made = await node.admin('POST', `/api/admin/tenants/${id}/keys`, scopes)
  return { id, key: expectStatus(made, 201).body.key }
}

async function memberOf(id: string): Promise<string> {
  const { rows } = await node.server.pool.query<{ member_id: string }>(
    `INSERT INTO member (member_id, tenant_no, email, name, role, password_hash)
     SELECT 'mem_' || md5($1), tenant_no, 'viewer@' || lower($1), 'V', 'developer', '' FROM tenant
     WHERE tenant_id = $1 RETURNING member_id`,
    [id],
  )
  return rows[0]!.member_id
}

async function seqOf(id: string): Promise<number> {
  return (await node.admin('GET', `/api/admin/tenants/${id}`)).body.seq
}
