import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { ALERTS_MAX } from '@tollgate/contract'
import { signedIn } from '../../test/members.ts'
import { expectStatus, type Reply, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const PATH = '/api/usage/alerts'

async function tenantWithOwner(more: object = {}) {
  const tenant = await node.tenant({ ...more })
  const { accessToken } = await signedIn(node, 'owner', tenant.id)
  return { ...tenant, owner: accessToken }
}
const set = (token: string, ...alerts: object[]) => node.call('POST', PATH, token, { alerts })
const listed = async (token: string) =>
  expectStatus(await node.call('GET', PATH, token), 200).body.alerts

const EXAMPLE = [
  { type: 'quota_threshold', threshold: 80, enabled: true, notify_email: true },
  { type: 'daily_limit', threshold: 500, enabled: true },
  { type: 'error_rate', threshold: 5, window_minutes: 60, enabled: true },
]

test('alerts are set as the documents say, and known by what they watch for', async () => {
  const { owner } = await tenantWithOwner({ plan: 'team' })
  const reply = expectStatus(await set(owner, ...EXAMPLE), 200).body
  assert.deepEqual(reply, {
    status: 'configured',
    alerts: [
      {
        id: 'alert_quota_80',
        type: 'quota_threshold',
        threshold: 80,
        status: 'active',
        last_triggered: null,
      },
      {
        id: 'alert_daily_500',
        type: 'daily_limit',
        threshold: 500,
        status: 'active',
        last_triggered: null,
      },
      {
        id: 'alert_errors_5_60m',
        type: 'error_rate',
        threshold: 5,
        status: 'active',
        last_triggered: null,
      },
    ],
  })
  assert.deepEqual(await listed(owner), [
    { ...reply.alerts[1], window_minutes: null, notify_email: true },
    { ...reply.alerts[2], window_minutes: 60, notify_email: true },
    { ...reply.alerts[0], window_minutes: null, notify_email: true },
  ])
})

test('one that is set again is the same one, and the others stay', async () => {
  const { id, owner } = await tenantWithOwner({ plan: 'team' })
  expectStatus(await set(owner, ...EXAMPLE), 200)
  const changed = { ...EXAMPLE[0], enabled: false, notify_email: false }
  const { alerts } = expectStatus(await set(owner, changed), 200).body
  assert.deepEqual([alerts.length, alerts[0].status], [1, 'disabled'])
  const all = await listed(owner)
  assert.equal(all.length, 3)
  const quota = all.find((one: { id: string }) => one.id === 'alert_quota_80')
  assert.deepEqual([quota.status, quota.notify_email], ['disabled', false])
  assert.deepEqual(
    expectStatus(await node.admin('GET', `/api/admin/tenants/${id}/usage/alerts`), 200).body.alerts,
    all,
  )
  expectStatus(await node.call('DELETE', `${PATH}/alert_quota_80`, owner), 204)
  assert.equal((await node.call('DELETE', `${PATH}/alert_quota_80`, owner)).status, 404)
  assert.equal((await listed(owner)).length, 2)
})

/** What is wrong, and the field that is named. */
const WRONG: [alert: object, field: string][] = [
  [{ type: 'quota_threshold' }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: 0 }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: -5 }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: 1_000.01 }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: 80.001 }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: '80' }, 'alerts[0].threshold'],
  [{ type: 'quota_threshold', threshold: 80, window_minutes: 5 }, 'alerts[0].window_minutes'],
  [{ type: 'daily_limit', threshold: 1.5 }, 'alerts[0].threshold'],
  [{ type: 'daily_limit', threshold: 1e21 }, 'alerts[0].threshold'],
  [{ type: 'error_rate', threshold: 101 }, 'alerts[0].threshold'],
  [{ type: 'error_rate', threshold: 5, window_minutes: 0 }, 'alerts[0].window_minutes'],
  [{ type: 'error_rate', threshold: 5, window_minutes: 1_441 }, 'alerts[0].window_minutes'],
  [{ type: 'error_rate', threshold: 5, window_minutes: null }, 'alerts[0].window_minutes'],
  [{ type: 'credits', threshold: 5 }, 'alerts[0].type'],
  [{ threshold: 5 }, 'alerts[0].type'],
  [{ ...EXAMPLE[0], enabled: 'yes' }, 'alerts[0].enabled'],
  [{ ...EXAMPLE[0], notify_email: 1 }, 'alerts[0].notify_email'],
  [{ ...EXAMPLE[0], email: 'eve@example.com' }, 'alerts[0].email'],
]

test('what is wrong is named, and nothing of the request is set', async () => {
  const { owner } = await tenantWithOwner({ plan: 'team' })
  const refused = (reply: Reply, field: string) => {
    const seen = `${field}: ${JSON.stringify(reply.body)}`
    assert.equal(reply.status, 400, seen)
    assert.ok(
      reply.body.errors.some((error: { field: string }) => error.field === field),
      seen,
    )
  }
  for (const [alert, field] of WRONG) {
    refused(await set(owner, alert, EXAMPLE[1]!), field)
  }
  refused(await set(owner), 'alerts')
  refused(
    await set(owner, EXAMPLE[0]!, EXAMPLE[1]!, { ...EXAMPLE[0], enabled: false }),
    'alerts[2]',
  )
  refused(await node.call('POST', PATH, owner, {}), 'alerts')
  refused(await node.call('POST', PATH, owner, { alerts: EXAMPLE[0] }), 'alerts')
  assert.deepEqual(await listed(owner), [])
})

test('a tenant has so many and no more, whoever races', async () => {
  const { owner } = await tenantWithOwner({ plan: 'team' })
  const daily = (threshold: number) => ({ type: 'daily_limit', threshold })
  const replies = await Promise.all(
    Array.from({ length: ALERTS_MAX + 4 }, (_, index) => set(owner, daily(index + 1))),
  )
  const statuses = replies.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 200).length, ALERTS_MAX)
  for (const { status, body } of replies) {
    if (status !== 200) assert.deepEqual([status, body.code], [409, 'too_many_alerts'])
  }
  const all = await listed(owner)
  assert.equal(all.length, ALERTS_MAX)
  expectStatus(await set(owner, daily(all[0].threshold)), 200)
})

test('a plan without alerts is told which has them; what was set before is paused', async () => {
  const { id, owner } = await tenantWithOwner({ plan: 'free' })
  const refused = await set(owner, EXAMPLE[0]!)
  assert.equal(refused.status, 403)
  const { code, feature, plan } = refused.body
  assert.deepEqual([code, feature, plan], ['plan_feature_required', 'alerts', 'pro'])
  // Who operates Tollgate may, but the plan raises none.
  expectStatus(await node.admin('POST', `${PATH}?tenant_id=${id}`, { alerts: [EXAMPLE[0]] }), 200)
  assert.equal((await listed(owner))[0].status, 'paused')
})

test('who may read and who may set goes by role', async () => {
  const tenant = await node.tenant({ plan: 'team' })
  const service = await node.service()
  const statusesOf = async (token: string, query = '') => [
    (await node.call('GET', PATH + query, token)).status,
    (await node.call('POST', PATH + query, token, { alerts: EXAMPLE })).status,
    (await node.call('DELETE', `${PATH}/alert_quota_80${query}`, token)).status,
  ]
  const may: [role: 'owner' | 'developer' | 'finance' | 'viewer', statuses: number[]][] = [
    ['owner', [200, 200, 204]],
    ['developer', [200, 200, 204]],
    ['finance', [200, 403, 403]],
    ['viewer', [200, 403, 403]],
  ]
  for (const [role, statuses] of may) {
    const { accessToken } = await signedIn(node, role, tenant.id)
    assert.deepEqual(await statusesOf(accessToken), statuses, role)
  }
  assert.deepEqual(await statusesOf(service.key, `?tenant_id=${tenant.id}`), [200, 403, 403])
})

test('the threshold that current tells is the lowest that is set', async () => {
  const { owner } = await tenantWithOwner({ plan: 'team' })
  const state = async () =>
    expectStatus(await node.call('GET', '/api/usage/current', owner), 200).body.quota_status
  assert.deepEqual(await state(), {
    percentage_used: 0,
    alert_threshold: 80,
    alert_active: false,
  })
  const quota = (threshold: number, enabled = true) => ({
    type: 'quota_threshold',
    threshold,
    enabled,
  })
  expectStatus(await set(owner, quota(95), quota(90.5), quota(50, false)), 200)
  assert.equal((await state()).alert_threshold, 90.5)
  expectStatus(await set(owner, quota(0.01)), 200)
  expectStatus(await node.call('POST', '/api/track', owner, { endpoint: '/x' }), 200)
  assert.deepEqual(await state(), {
    percentage_used: 0.01,
    alert_threshold: 0.01,
    alert_active: true,
  })
})
