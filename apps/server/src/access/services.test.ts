import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn } from '../../test/node.ts'

const database = await testDatabase()
const node = watched(await nodeOn(database))
after(async () => {
  await node.stop()
  await database.drop()
})
const { id } = await node.tenant({ plan: 'prepaid' })
expectStatus(
  await node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount: 1_000, reason: 'test' }),
  201,
)
const register = (body: object) => node.admin('POST', '/api/admin/services', body)
const call = (key: string, more: object = {}) =>
  node.call('POST', '/api/track', key, { tenant_id: id, endpoint: '/x', ...more })

test('a service that is trusted says what its calls cost, where the catalog does not', async () => {
  const { key, trust_reported } = expectStatus(await register({ name: 'trusted' }), 201).body
  assert.equal(trust_reported, true)
  assert.equal((await call(key, { credits_used: 7 })).body.credits.charged, 7)
  assert.equal((await call(key)).body.credits.charged, 1)
})

test('a service that is not trusted says what it likes: its calls cost one credit each', async () => {
  const { key } = expectStatus(
    await register({ name: 'untrusted', trust_reported: false }),
    201,
  ).body
  assert.equal((await call(key, { credits_used: 7 })).body.credits.charged, 1)
  assert.equal((await call(key, { credits_used: 0 })).body.credits.charged, 1)
  assert.equal((await call(key, { quantity: 3 })).body.credits.charged, 3)
  const free = await node.tenant({ plan: 'free' })
  expectStatus(await call(key, { tenant_id: free.id, premium: true }), 200)
})

test('whose word counts is decided by the service that a call names, whoever sends it', async () => {
  expectStatus(await register({ name: 'strict', trust_reported: false }), 201)
  const { key } = expectStatus(await register({ name: 'other' }), 201).body
  const charged = (await call(key, { service_name: 'strict', credits_used: 0 })).body.credits
    .charged
  assert.equal(charged, 1)
})

test("the catalog's rule wins over what is reported", async () => {
  const { key } = await node.service('document-api')
  const convert = {
    endpoint: '/convert',
    method: 'POST',
    credits_used: 0,
    region: 'eu',
    feature: 'ocr',
  }
  assert.equal((await call(key, convert)).body.credits.charged, 7.2)
  assert.equal((await call(key, { ...convert, quantity: 2 })).body.credits.charged, 14.4)
})

test('a name is taken once, also when many ask for it at once, and only one key is made', async () => {
  const replies = await inParallel(Array.from({ length: 6 }), 6, () => register({ name: 'wanted' }))
  assert.equal(replies.filter(({ status }) => status === 201).length, 1)
  for (const reply of replies.filter(({ status }) => status !== 201)) {
    assertProblem(reply, 'already_exists', 'name')
  }
  const { rows } = await node.server.pool.query(
    "SELECT count(*)::int AS keys FROM api_key JOIN service USING (service_no) WHERE service.name = 'wanted'",
  )
  assert.equal(rows[0].keys, 1)
})

test('services are listed by name, without their keys', async () => {
  const { data } = (await node.admin('GET', '/api/admin/services')).body
  const names = data.map(({ name }: { name: string }) => name)
  assert.deepEqual(names, [...names].sort())
  assert.ok(names.includes('untrusted'))
  assert.ok(!JSON.stringify(data).includes('tg_svc_'))
})

test('a service that one node registered is known to the price list of another when it has refreshed', async () => {
  const other = await nodeOn(database)
  try {
    const { key } = expectStatus(await register({ name: 'late', trust_reported: false }), 201).body
    await other.server.catalog.refresh()
    const reply = await other.call('POST', '/api/track', key, {
      tenant_id: id,
      endpoint: '/x',
      credits_used: 9,
    })
    assert.equal(reply.body.credits.charged, 1)
  } finally {
    await other.stop()
  }
})

test('a service key that became known is replaced: another one works before it is revoked', async () => {
  const { name, key } = await node.service()
  const { body: made } = await node.admin('POST', `/api/admin/services/${name}/keys`)
  const { body: listed } = await node.admin('GET', `/api/admin/services/${name}/keys`)
  const [first, second] = listed.data
  assert.equal(listed.data.length, 2)
  assert.equal(second.key_id, made.key_id)
  await node.admin('DELETE', `/api/admin/keys/${first.key_id}`)
  const track = { tenant_id: 'nobody', endpoint: '/x' }
  assert.equal((await node.call('POST', '/api/track', key, track)).status, 401)
  assert.equal((await node.call('POST', '/api/track', made.key, track)).status, 404)
  assert.equal((await node.admin('POST', '/api/admin/services/none/keys')).status, 404)
})
