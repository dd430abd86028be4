import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { entryId } from '../src/lib/ids.ts'
import { creditNoteOf } from './api-operations-billing.ts'
import { send } from './api-request.ts'
import { TAKES_NO_ID } from './api-operations-without-ids.ts'
import { ATTACKS, type Ids } from './foreign-attacks.ts'
import { issuedInvoice } from './issued-invoice.ts'
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
  invoice: entryId('inv', NO_TENANT_NO, 3),
  creditNote: entryId('crn', NO_TENANT_NO, 3),
  discount: 'dsc_00000000000000000000',
  alert: 'alert_daily_7',
}

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
  const discount = { description: 'd', kind: 'percentage', value: '5' }
  const discounts = `/api/admin/tenants/${id}/discounts`
  const given = expectStatus(await node.admin('POST', discounts, discount), 201)
  // Of the victim's own: what another one has set has another name.
  const alert = { type: 'daily_limit', threshold: id === attacker.id ? 1_000_001 : 1_000_000 }
  const alerts = `/api/usage/alerts?tenant_id=${id}`
  const set = expectStatus(await node.admin('POST', alerts, { alerts: [alert] }), 200)
  return {
    tenant: id,
    discount: given.body.discount_id,
    alert: set.body.alerts[0].id,
    creditNote: await creditNoteOf(node, id),
    member: await memberOf(id),
    invitation: expectStatus(invitation, 201).body.invitation_id,
    invoice: await issuedInvoice(node, id),
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
