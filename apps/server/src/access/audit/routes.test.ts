import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../../test/api-contract.ts'
import { inParallel } from '../../../test/api-parallel.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { testDatabase } from '../../../test/database.ts'
import { expectStatus, nodeOn } from '../../../test/node.ts'
import { createPool } from '../../db/pool.ts'
import { verifyAudit } from './verify.ts'

const database = await testDatabase()
const node = watched(await nodeOn(database))
const pool = createPool(database.url, () => undefined)
after(async () => {
  await node.stop()
  await pool.end()
  await database.drop()
})

/** A tenant, with a key to track and one that may read its audit log. */
async function tenant(more = {}): Promise<{ id: string; key: string; admin: string }> {
  const wanted = { name: 'Acme', email: 'ops@acme.example', plan: 'pro', ...more }
  const { tenant_id: id } = expectStatus(
    await node.admin('POST', '/api/admin/tenants', wanted),
    201,
  ).body
  const keys = `/api/admin/tenants/${id}/keys`
  const [track, admin] = await Promise.all(
    ['track', 'admin'].map((scope) => node.admin('POST', keys, { scopes: [scope] })),
  )
  return { id, key: expectStatus(track!, 201).body.key, admin: expectStatus(admin!, 201).body.key }
}
const all = async (query = '') => (await node.admin('GET', `/api/admin/audit${query}`)).body
const linesOf = async (id: string, action?: string) =>
  (await all(`?tenant_id=${id}${action === undefined ? '' : `&action=${action}`}`)).data
const patch = (id: string, body: object) => node.admin('PATCH', `/api/admin/tenants/${id}`, body)
const give = (id: string, more: object = {}) =>
  node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount: 5, reason: 'gift', ...more })

test('a change of a tenant is told with who, from where, by which request, and what it was before', async () => {
  const { id } = await tenant({ plan: 'free', region: 'eu' })
  const reply = expectStatus(await patch(id, { plan: 'pro', region: null, name: 'New' }), 200)
  const [line] = await linesOf(id, 'tenant.changed')
  const { audit_id, seq, recorded_at, hash, actor, ...told } = line
  assert.match(audit_id, /^aud_/)
  assert.match(hash, /^[0-9a-f]{64}$/)
  assert.ok(seq > 1)
  assert.ok(Date.parse(recorded_at) > 0)
  assert.equal(actor.kind, 'operator_key')
  assert.match(actor.id, /^key_/)
  assert.deepEqual(told, {
    action: 'tenant.changed',
    object: { kind: 'tenant', id },
    tenant_id: id,
    address: '127.0.0.1',
    request_id: reply.headers.get('x-request-id'),
    before: { plan: 'free', plan_version: 1, region: 'eu', name: told.before.name },
    after: { plan: 'pro', plan_version: 1, region: null, name: 'New' },
    log_seq: reply.body.seq,
  })
})

test('a change that the log need not know is told without a line of it', async () => {
  const { id } = await tenant()
  expectStatus(await patch(id, { email: 'new@example.com' }), 200)
  const [line] = await linesOf(id, 'tenant.changed')
  assert.deepEqual([line.log_seq, line.after], [null, { email: 'new@example.com' }])
})

test('a change that is refused is not told', async () => {
  const { id } = await tenant({ plan: 'prepaid' })
  const before = (await linesOf(id)).length
  assertProblem(await patch(id, { plan: 'platinum' }), 'invalid_request', 'plan')
  assertProblem(await give(id, { amount: -5 }), 'insufficient_credits')
  assert.equal((await linesOf(id)).length, before)
})

test('two nodes that change one tenant at once: each line begins where the one before it ended', async () => {
  const other = await nodeOn(database)
  try {
    const { id } = await tenant()
    await inParallel(Array.from({ length: 24 }), 8, (_, index) =>
      (index % 2 === 0 ? node : other).admin('PATCH', `/api/admin/tenants/${id}`, {
        name: `Name ${index}`,
        region: `region-${index}`,
      }),
    )
    const lines = (await linesOf(id, 'tenant.changed')).reverse()
    assert.equal(lines.length, 24)
    for (const [index, line] of lines.entries()) {
      if (index > 0) assert.deepEqual(line.before, lines[index - 1].after)
    }
    const logSeqs = lines.map(({ log_seq }: { log_seq: number }) => log_seq)
    assert.deepEqual(
      logSeqs,
      logSeqs.toSorted((a: number, b: number) => a - b),
    )
  } finally {
    await other.stop()
  }
})

test('credits and voids are told once, however often their request is repeated', async () => {
  const { id, key } = await tenant({ plan: 'prepaid' })
  const body = { idempotency_key: 'gift-1' }
  const given = await inParallel(Array.from({ length: 6 }), 6, () => give(id, body))
  expectStatus(await give(id, { amount: -1, reason: 'too much' }), 201)
  const call = await node.call('POST', '/api/track', key, { endpoint: '/x' })
  const service = await node.service()
  const path = `/api/events/${call.body.event_id}/void`
  for (let turn = 0; turn < 2; turn += 1) {
    expectStatus(await node.call('POST', path, service.key, { reason: 'wrong' }), 200)
  }
  const told = (await linesOf(id))
    .filter(({ log_seq }: { log_seq: number }) => log_seq > 1)
    .map((line: { action: string; log_seq: number; after: object; actor: { kind: string } }) => [
      line.actor.kind,
      line.action,
      line.log_seq,
      line.after,
    ])
  assert.deepEqual(told.reverse(), [
    [
      'operator_key',
      'credits.given',
      given[0]!.body.seq,
      { amount: 5, reason: 'gift', balance: given[0]!.body.balance },
    ],
    ['operator_key', 'credits.taken', 3, { amount: -1, reason: 'too much', balance: 4 }],
    ['service_key', 'event.voided', 5, { reason: 'wrong', refunded: 1 }],
  ])
})

test('a line that a failure has swallowed is told when the request comes again', async () => {
  const { id } = await tenant({ plan: 'prepaid' })
  const body = { idempotency_key: 'gift-2' }
  await pool.query('ALTER TABLE audit RENAME TO audit_gone')
  const lost = await give(id, body)
  await pool.query('ALTER TABLE audit_gone RENAME TO audit')
  assert.equal(lost.status, 500)
  assert.deepEqual(await linesOf(id, 'credits.given'), [])
  const again = expectStatus(await give(id, body), 201)
  assert.equal(again.body.replayed, true)
  assert.deepEqual(
    (await linesOf(id, 'credits.given')).map(({ log_seq }: { log_seq: number }) => log_seq),
    [again.body.seq],
  )
})

test("a tenant reads its own chain and nobody else's, whatever it filters by", async () => {
  const [one, other] = [await tenant(), await tenant()]
  const own = (await node.call('GET', '/api/audit', one.admin)).body.data
  assert.ok(own.length >= 3)
  for (const line of own) assert.equal(line.tenant_id, one.id)
  const seqs = own.map(({ seq }: { seq: number }) => seq)
  assert.deepEqual(
    seqs,
    Array.from({ length: own.length }, (_, index) => own.length - index),
  )
  const foreign = await node.call('GET', `/api/audit?object_id=${other.id}`, one.admin)
  assert.deepEqual(foreign.body, { data: [], next_cursor: null })
  const query = `/api/audit?tenant_id=${other.id}`
  assertProblem(await node.call('GET', query, one.admin), 'invalid_request')
})

test('a tenant is told that it was the operator, and not from where', async () => {
  const { id, admin } = await tenant()
  expectStatus(await patch(id, { name: 'Renamed' }), 200)
  const path = '/api/audit?action=tenant.changed'
  const [line] = (await node.call('GET', path, admin)).body.data
  assert.deepEqual([line.actor.kind, line.address], ['operator_key', null])
  const [seen] = await linesOf(id, 'tenant.changed')
  assert.equal(seen.address, '127.0.0.1')
})

test('who may not read the audit log is refused', async () => {
  const { key, admin } = await tenant()
  const service = await node.service()
  assertProblem(await node.call('GET', '/api/audit', key), 'forbidden')
  assertProblem(await node.call('GET', '/api/audit', service.key), 'forbidden')
  assertProblem(await node.call('GET', '/api/admin/audit', admin), 'forbidden')
  assertProblem(await node.call('GET', '/api/admin/audit', service.key), 'forbidden')
  assertProblem(await node.call('GET', '/api/admin/audit', null), 'unauthorized')
})

test('the operator finds lines by tenant, actor, action and object, and its own among them', async () => {
  const { id } = await tenant()
  const { name } = await node.service('found-by-filters')
  const [registered] = (await all(`?object_id=${name}`)).data
  assert.deepEqual(
    [registered.action, registered.tenant_id, registered.object],
    ['service.registered', null, { kind: 'service', id: name }],
  )
  const { data: byActor } = await all(`?actor_id=${registered.actor.id}&limit=5`)
  assert.equal(byActor.length, 5)
  for (const line of byActor) assert.equal(line.actor.id, registered.actor.id)
  const [created] = (await all(`?tenant_id=${id}&action=tenant.created`)).data
  assert.deepEqual([created.object.id, created.log_seq], [id, 1])
  assert.deepEqual((await all(`?tenant_id=${id}&object_id=${name}`)).data, [])
  assert.deepEqual((await all("?actor_id='%20OR%20true%20--")).data, [])
  assertProblem(await node.admin('GET', '/api/admin/audit?tenant_id=nobody'), 'tenant_not_found')
  assertProblem(await node.admin('GET', '/api/admin/audit?limit=0'), 'invalid_request', 'limit')
  assertProblem(await node.admin('GET', '/api/admin/audit?cursor=x'), 'invalid_request', 'cursor')
})

test('pages follow each other, newest first, none missed and none twice, of one chain and of all', async () => {
  const { id, admin } = await tenant()
  for (let turn = 0; turn < 6; turn += 1) expectStatus(await patch(id, { name: `${turn}` }), 200)
  const own = await paged((query) => node.call('GET', `/api/audit${query}`, admin))
  assert.deepEqual(own, (await linesOf(id)).map(idOf))
  const everything = await paged((query) => node.admin('GET', `/api/admin/audit${query}`))
  assert.deepEqual(everything, (await all('?limit=500')).data.map(idOf))
  assert.equal(new Set(everything).size, everything.length)
})

test('after all of this every chain is whole', async () => {
  const { lines, differences } = await verifyAudit(pool, [], { total() {}, verified() {} })
  assert.ok(lines > 50)
  assert.deepEqual(differences, [])
})

function idOf(line: { audit_id: string }): string {
  return line.audit_id
}

async function paged(read: (query: string) => ReturnType<typeof node.call>): Promise<string[]> {
  const ids: string[] = []
  for (let cursor = ''; ; ) {
    const { data, next_cursor } = expectStatus(await read(`?limit=3${cursor}`), 200).body
    ids.push(...data.map(idOf))
    if (next_cursor === null) return ids
    cursor = `&cursor=${next_cursor}`
  }
}
