import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, handClock, nodeOn } from '../../../test/node.ts'
import { signedIn } from '../../../test/members.ts'
import {
  DATABASE_CONNECTIONS_MAX,
  KEY_CACHE_SECONDS,
  KEY_LIMITS_PER_TENANT_MAX,
  KEYS_PER_TENANT_MAX,
} from '../../limits.ts'

const clock = handClock('2026-05-10T12:00:00Z')
const database = await testDatabase()
const node = await nodeOn(database, { clock })
after(async () => {
  await node.stop()
  await database.drop()
})
const { id } = await node.tenant({ tenant_id: 'acme' })
const owner = (await signedIn(node, 'owner', id)).accessToken
const asOwner = (method: string, path: string, body?: unknown) =>
  node.call(method, path, owner, body)
const make = async (body: object): Promise<{ key: string; key_id: string }> =>
  expectStatus(await asOwner('POST', '/api/keys', { name: 'k', ...body }), 201).body
const quota = (key: string) => node.call('GET', '/api/quota', key)
const track = (key: string, more: object = {}) =>
  node.call('POST', '/api/track', key, { endpoint: '/x', ...more })

async function listed(keyId: string) {
  let path = '/api/keys?limit=500'
  for (;;) {
    const { body } = expectStatus(await asOwner('GET', path), 200)
    const found = body.data.find(({ key_id }: { key_id: string }) => key_id === keyId)
    if (found !== undefined) return found
    assert.notEqual(body.next_cursor, null, `${keyId} is listed`)
    path = `/api/keys?limit=500&cursor=${body.next_cursor}`
  }
}

test('a key is listed with all that was said of it, and without its secret', async () => {
  const { key, key_id } = await make({
    name: 'CI',
    team: 'search',
    scopes: ['read'],
    expires_at: '2026-06-01T00:00:00Z',
  })
  const { created_at, hint, ...rest } = await listed(key_id)
  assert.ok(!Number.isNaN(Date.parse(created_at)))
  assert.equal(hint, `tg_live_…${key.slice(-4)}`)
  assert.deepEqual(rest, {
    key_id,
    name: 'CI',
    team: 'search',
    scopes: ['read'],
    expires_at: '2026-06-01T00:00:00.000Z',
    revoked_at: null,
    last_used_at: null,
    old_secret_until: null,
    calls: null,
  })
})

test('a key is refused from the moment it expires, also where it is remembered', async (t) => {
  const started = clock.now()
  t.after(() => clock.set(started))
  const { key } = await make({ expires_at: new Date(started + 10_000).toISOString() })
  expectStatus(await quota(key), 200)
  clock.advance(9_999)
  expectStatus(await quota(key), 200)
  expectStatus(await track(key), 200)
  clock.advance(1)
  assertProblem(await quota(key), 'unauthorized')
  assertProblem(await track(key), 'unauthorized')
})

test('a key that has expired is good again when its expiry is lifted', async (t) => {
  const started = clock.now()
  t.after(() => clock.set(started))
  const { key, key_id } = await make({ expires_at: new Date(started + 1_000).toISOString() })
  clock.advance(1_000)
  assertProblem(await quota(key), 'unauthorized')
  expectStatus(await asOwner('PATCH', `/api/keys/${key_id}`, { expires_at: null }), 200)
  expectStatus(await quota(key), 200)
})

test('after a rotation both secrets are good until the overlap ends, then the new one alone', async (t) => {
  const started = clock.now()
  t.after(() => clock.set(started))
  const { key, key_id } = await make({})
  const rotated = expectStatus(
    await asOwner('POST', `/api/keys/${key_id}/rotate`, { overlap_seconds: 60 }),
    200,
  ).body
  assert.equal(rotated.key_id, key_id)
  assert.equal(rotated.old_secret_until, new Date(started + 60_000).toISOString())
  for (const secret of [key, rotated.key]) expectStatus(await quota(secret), 200)
  clock.advance(60_000)
  assertProblem(await quota(key), 'unauthorized')
  expectStatus(await quota(rotated.key), 200)
})

test('a rotation without overlap ends the secret before at once', async () => {
  const { key, key_id } = await make({})
  expectStatus(await quota(key), 200)
  const { body } = await asOwner('POST', `/api/keys/${key_id}/rotate`, { overlap_seconds: 0 })
  assertProblem(await quota(key), 'unauthorized')
  expectStatus(await quota(body.key), 200)
})

test('of three secrets the two newest are good, also when rotations race', async () => {
  const { key, key_id } = await make({})
  const rotate = async (): Promise<string> =>
    expectStatus(await asOwner('POST', `/api/keys/${key_id}/rotate`), 200).body.key
  const made = await Promise.all([rotate(), rotate()])
  const statuses = await Promise.all(
    [key, ...made].map(async (secret) => (await quota(secret)).status),
  )
  assert.deepEqual(statuses, [401, 200, 200])
})

test('a rotated key keeps its id in the log', async () => {
  const { key, key_id } = await make({})
  await track(key)
  const { body } = await asOwner('POST', `/api/keys/${key_id}/rotate`)
  await track(body.key)
  const { data } = (await asOwner('GET', '/api/entries?limit=2')).body
  assert.deepEqual(
    data.map((entry: { key_id: string }) => entry.key_id),
    [key_id, key_id],
  )
})

test('a developer cannot make, change or renew a key that manages members', async () => {
  const developer = (await signedIn(node, 'developer', id)).accessToken
  const asDeveloper = (method: string, path: string, body?: unknown) =>
    node.call(method, path, developer, body)
  const plain = expectStatus(await asDeveloper('POST', '/api/keys', { name: 'plain' }), 201).body
  const admin = await make({ scopes: ['admin'] })
  for (const reply of [
    await asDeveloper('POST', '/api/keys', { name: 'n', scopes: ['admin'] }),
    await asDeveloper('PATCH', `/api/keys/${plain.key_id}`, { scopes: ['track', 'admin'] }),
    await asDeveloper('PATCH', `/api/keys/${admin.key_id}`, { name: 'mine' }),
    await asDeveloper('POST', `/api/keys/${admin.key_id}/rotate`),
  ]) {
    assertProblem(reply, 'forbidden', 'scopes')
  }
  expectStatus(await node.call('GET', '/api/keys', admin.key), 200)
})

test('a key that manages keys passes on only what it may do itself', async () => {
  const { key } = await make({ scopes: ['admin'] })
  const refused = await node.call('POST', '/api/keys', key, { name: 'n', scopes: ['track'] })
  assertProblem(refused, 'forbidden', 'scopes')
  const all = await make({ scopes: ['admin', 'track', 'read'] })
  const passedOn = await node.call('POST', '/api/keys', all.key, { name: 'n', scopes: ['track'] })
  expectStatus(passedOn, 201)
})

test("scopes that were taken away are gone at once, also on the hot path's remembered key", async () => {
  const { key, key_id } = await make({})
  expectStatus(await track(key), 200)
  expectStatus(await asOwner('PATCH', `/api/keys/${key_id}`, { scopes: ['read'] }), 200)
  assertProblem(await track(key), 'forbidden')
  expectStatus(await quota(key), 200)
})

test("a key's own limit denies its calls and nobody else's, and shows what was used", async () => {
  const limited = await make({ calls_per_period: 2 })
  const free = await make({})
  const replies = []
  for (let call = 0; call < 3; call += 1) replies.push(await track(limited.key))
  assert.deepEqual(
    replies.map(({ status }) => status),
    [200, 200, 429],
  )
  assert.equal(replies[2]!.body.reason, 'key_limit_exceeded')
  expectStatus(await track(free.key), 200)
  assert.deepEqual((await listed(limited.key_id)).calls, { limit: 2, used: 2 })
  const rotated = (await asOwner('POST', `/api/keys/${limited.key_id}/rotate`)).body.key
  expectStatus(await track(rotated), 429)
  const raised = await asOwner('PATCH', `/api/keys/${limited.key_id}`, { calls_per_period: 3 })
  assert.deepEqual(expectStatus(raised, 200).body.calls, { limit: 3, used: 2 })
  expectStatus(await track(rotated), 200)
  const lifted = await asOwner('PATCH', `/api/keys/${limited.key_id}`, { calls_per_period: null })
  assert.equal(expectStatus(lifted, 200).body.calls, null)
  expectStatus(await track(rotated), 200)
})

test('a revoked key is gone for whoever would change it', async () => {
  const { key_id } = await make({ calls_per_period: 1 })
  expectStatus(await asOwner('DELETE', `/api/keys/${key_id}`), 204)
  for (const [method, path, body] of [
    ['DELETE', ''],
    ['PATCH', '', { name: 'n' }],
    ['POST', '/rotate'],
  ] as const) {
    assertProblem(await asOwner(method, `/api/keys/${key_id}${path}`, body), 'not_found')
  }
})

test('a key that nobody takes any more makes room for the limit of another', async (t) => {
  const started = clock.now()
  t.after(() => clock.set(started))
  const { id: crowded } = await node.tenant()
  const path = `/api/admin/tenants/${crowded}/keys`
  const limited = () => node.admin('POST', path, { calls_per_period: 1 })
  const { key_id } = expectStatus(await limited(), 201).body
  for (let more = 1; more < KEY_LIMITS_PER_TENANT_MAX; more += 1) {
    expectStatus(await limited(), 201)
  }
  assertProblem(await limited(), 'too_many_keys')
  expectStatus(await node.admin('DELETE', `/api/admin/keys/${key_id}`), 204)
  assertProblem(await limited(), 'too_many_keys')
  clock.advance(KEY_CACHE_SECONDS * 1_000 + 1)
  expectStatus(await limited(), 201)
})

test('more limits than there are connections may be set at once: nobody waits for a connection that another holds', async () => {
  const { id: busy } = await node.tenant()
  const path = `/api/admin/tenants/${busy}/keys`
  const made = await Promise.all(
    Array.from({ length: 3 * DATABASE_CONNECTIONS_MAX }, () =>
      node.admin('POST', path, { calls_per_period: 1 }),
    ),
  )
  for (const reply of made) expectStatus(reply, 201)
  const changed = await Promise.all(
    made.map(({ body }) => node.admin('PATCH', `${path}/${body.key_id}`, { calls_per_period: 2 })),
  )
  for (const reply of changed) assert.equal(expectStatus(reply, 200).body.calls.limit, 2)
})

test('when a key was last used is written down, from both nodes', async () => {
  const other = await nodeOn(database, { clock })
  try {
    const [here, there] = [await make({}), await make({})]
    expectStatus(await quota(here.key), 200)
    expectStatus(await other.call('GET', '/api/quota', there.key), 200)
  } finally {
    await other.stop()
  }
  const { key, key_id } = await make({})
  expectStatus(await quota(key), 200)
  assert.equal((await listed(key_id)).last_used_at, null)
  await node.server.saveLastUsed()
  assert.equal((await listed(key_id)).last_used_at, new Date(clock.now()).toISOString())
})

test('there are never more keys in force than the bound, however many are made at once', async () => {
  const crowded = await node.tenant()
  await node.server.pool.query(
    `INSERT INTO api_key (kind, tenant_no, key_id, key_hash, hint)
     SELECT 'tenant', t.tenant_no, 'key_many' || n, sha256(('many' || n)::bytea), ''
     FROM tenant AS t, generate_series(1, $2) AS n WHERE t.tenant_id = $1`,
    [crowded.id, KEYS_PER_TENANT_MAX - 2],
  )
  const path = `/api/admin/tenants/${crowded.id}/keys`
  const replies = await Promise.all(Array.from({ length: 4 }, () => node.admin('POST', path)))
  assert.deepEqual(replies.map(({ status }) => status).sort(), [201, 409, 409, 409])
})

for (const [what, body, field] of [
  ['no name', {}, 'name'],
  ['an empty name', { name: '' }, 'name'],
  ['no scope', { name: 'n', scopes: [] }, 'scopes'],
  ['a scope twice', { name: 'n', scopes: ['read', 'read'] }, 'scopes'],
  ['an unknown scope', { name: 'n', scopes: ['root'] }, 'scopes[0]'],
  ['scopes as text', { name: 'n', scopes: 'read' }, 'scopes'],
  ['an expiry that is past', { name: 'n', expires_at: '2026-05-10T12:00:00Z' }, 'expires_at'],
  ['an expiry that is no time', { name: 'n', expires_at: 'tomorrow' }, 'expires_at'],
  ['a negative limit', { name: 'n', calls_per_period: -1 }, 'calls_per_period'],
  ['half a call as limit', { name: 'n', calls_per_period: 0.5 }, 'calls_per_period'],
  ['a field that does not exist', { name: 'n', tenant_id: 'other' }, 'tenant_id'],
] as const) {
  test(`a key with ${what} is refused, and the field is named`, async () => {
    assertProblem(await asOwner('POST', '/api/keys', body), 'invalid_request', field)
  })
}

test("another tenant's key is answered as one that does not exist, and stays as it is", async () => {
  const foreign = await node.tenant()
  const { data } = (await node.admin('GET', `/api/admin/tenants/${foreign.id}/keys`)).body
  const path = `/api/keys/${data[0].key_id}`
  assertProblem(await asOwner('PATCH', path, { name: 'mine' }), 'not_found')
  assertProblem(await asOwner('POST', `${path}/rotate`), 'not_found')
  assertProblem(await asOwner('DELETE', path), 'not_found')
  const elsewhere = `/api/admin/tenants/acme/keys/${data[0].key_id}`
  assertProblem(await node.admin('PATCH', elsewhere, { name: 'n' }), 'not_found')
  expectStatus(await quota(foreign.key), 200)
})

test('operators change and renew keys of any tenant', async () => {
  const { id: tenantId } = await node.tenant()
  const path = `/api/admin/tenants/${tenantId}/keys`
  const made = expectStatus(await node.admin('POST', path, { scopes: ['admin'] }), 201).body
  const changed = await node.admin('PATCH', `${path}/${made.key_id}`, { name: 'theirs' })
  assert.equal(expectStatus(changed, 200).body.name, 'theirs')
  const rotated = await node.admin('POST', `${path}/${made.key_id}/rotate`, { overlap_seconds: 0 })
  assertProblem(await node.call('GET', '/api/keys', made.key), 'unauthorized')
  expectStatus(await node.call('GET', '/api/keys', rotated.body.key), 200)
})
