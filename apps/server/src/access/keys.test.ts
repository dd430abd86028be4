import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn } from '../../test/node.ts'
import { KEY_CACHE_SECONDS } from '../limits.ts'
import { makeKey, mayBeKey } from './key-format.ts'
import { ensureOperatorKey } from './keys.ts'

const database = await testDatabase()
const node = watched(await nodeOn(database))
after(async () => {
  await node.stop()
  await database.drop()
})

test('a key is shown once; what is stored is not the key', async () => {
  const { id, key } = await node.tenant()
  assert.match(key, /^tg_live_[0-9A-Za-z]{38}$/)
  const service = await node.service()
  assert.match(service.key, /^tg_svc_[0-9A-Za-z]{38}$/)
  const listed = (await node.admin('GET', `/api/admin/tenants/${id}/keys`)).body.data
  assert.equal(listed[0].hint, `tg_live_…${key.slice(-4)}`)
  const { rows } = await node.server.pool.query('SELECT to_json(k)::text AS row FROM api_key AS k')
  for (const { row } of rows) {
    for (const secret of [key, service.key, node.operatorKey])
      assert.ok(!row.includes(secret.slice(8)))
  }
})

test('a tenant may have several keys; one that is revoked is refused at once, the others are not', async () => {
  const { id, key } = await node.tenant()
  const second = (await node.admin('POST', `/api/admin/tenants/${id}/keys`)).body
  for (const one of [key, second.key]) expectStatus(await node.call('GET', '/api/quota', one), 200)
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${second.key_id}`), 204)
  assertProblem(await node.call('GET', '/api/quota', second.key), 'unauthorized')
  expectStatus(await node.call('GET', '/api/quota', key), 200)
  const { data } = (await node.admin('GET', `/api/admin/tenants/${id}/keys`)).body
  assert.deepEqual(
    data.map(({ revoked_at }: { revoked_at: string | null }) => revoked_at !== null),
    [false, true],
  )
})

test('a key is revoked once, and the operator cannot lock itself out', async () => {
  const { id } = await node.tenant()
  const { key_id } = (await node.admin('POST', `/api/admin/tenants/${id}/keys`)).body
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${key_id}`), 204)
  assertProblem(await node.admin('DELETE', `/api/admin/keys/${key_id}`), 'not_found')
  assertProblem(await node.admin('DELETE', '/api/admin/keys/key_nothing'), 'not_found')
  const { rows } = await node.server.pool.query(
    "SELECT key_id FROM api_key WHERE kind = 'operator'",
  )
  assertProblem(await node.admin('DELETE', `/api/admin/keys/${rows[0].key_id}`), 'not_found')
})

test("a service's key can be revoked too", async () => {
  const made = (await node.admin('POST', '/api/admin/services', { name: 'short-lived' })).body
  const { id } = await node.tenant()
  expectStatus(await node.call('GET', `/api/quota?tenant_id=${id}`, made.key), 200)
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${made.key_id}`), 204)
  assertProblem(await node.call('GET', `/api/quota?tenant_id=${id}`, made.key), 'unauthorized')
})

test('a key that another node revoked is refused when the time is over for which it is remembered', async (t) => {
  const other = await nodeOn(database)
  t.after(() => other.stop())
  const { id } = await node.tenant()
  const { key, key_id } = (await node.admin('POST', `/api/admin/tenants/${id}/keys`)).body
  expectStatus(await other.call('GET', '/api/quota', key), 200)
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${key_id}`), 204)
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + KEY_CACHE_SECONDS * 1_000 + 1)
  assertProblem(await other.call('GET', '/api/quota', key), 'unauthorized')
})

test('an operator key that is configured anew replaces the one before; taken back, it works again', async () => {
  const next = 'another-operator-key-0123456789'
  const list = (key: string) => node.call('GET', '/api/admin/services', key)
  await ensureOperatorKey(node.server.pool, next)
  const fresh = await nodeOn(database)
  try {
    expectStatus(await fresh.call('GET', '/api/admin/services', node.operatorKey), 200)
    assertProblem(await fresh.call('GET', '/api/admin/services', next), 'unauthorized')
  } finally {
    await fresh.stop()
  }
  assertProblem(await list(next), 'unauthorized')
  expectStatus(await list(node.operatorKey), 200)
})

test('every single slip of the pen in a key is noticed', () => {
  for (const kind of ['tenant', 'service'] as const) {
    const { key } = makeKey(kind)
    assert.ok(mayBeKey(key))
    const prefix = key.lastIndexOf('_') + 1
    for (let at = prefix; at < key.length; at += 1) {
      const wrong = key[at] === 'x' ? 'y' : 'x'
      assert.equal(mayBeKey(key.slice(0, at) + wrong + key.slice(at + 1)), false)
      if (key[at] === key[at + 1] || at + 1 === key.length) continue
      const swapped = key.slice(0, at) + key[at + 1] + key[at] + key.slice(at + 2)
      assert.equal(mayBeKey(swapped), false, swapped)
    }
    assert.equal(mayBeKey(key.slice(0, -1)), false)
    assert.equal(mayBeKey(`${key}0`), false)
    assert.equal(mayBeKey(key.toLowerCase()), key === key.toLowerCase())
  }
})
