import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { expectStatus, type Reply, testNode } from '../../test/node.ts'

const node = watched(await testNode())
after(() => node.stop())

const give = async (id: string, amount: number) =>
  expectStatus(
    await node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount, reason: 'test' }),
    201,
  )
const seqOf = async (id: string) => (await node.admin('GET', `/api/admin/tenants/${id}`)).body.seq

test('a call is answered with its decision, what it cost and what is left', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  await give(id, 10)
  const call = { endpoint: '/notes', method: 'post', credits_used: 2.5, idempotency_key: 'one' }
  const { status, body } = await node.call('POST', '/api/track', key, call)
  assert.equal(status, 200)
  assert.equal(body.idempotency_key, 'one')
  assert.equal(body.decision, 'allowed')
  assert.equal(body.reason, null)
  assert.equal(body.replayed, false)
  assert.deepEqual(body.credits, { charged: 2.5, remaining: 7.5 })
  assert.equal(body.quota.used, 1)
  assert.equal(body.quota.limit, null)
})

test('a call without a key of its own gets one, with which it can be sent again', async () => {
  const { key } = await node.tenant()
  const first = await node.call('POST', '/api/track', key, { endpoint: '/notes' })
  const { idempotency_key } = first.body
  assert.match(idempotency_key, /^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  const again = await node.call('POST', '/api/track', key, { endpoint: '/notes', idempotency_key })
  assert.deepEqual(again.body, { ...first.body, replayed: true })
})

test('every field of a call is in the log as it was sent', async () => {
  const { id, key } = await node.tenant({ region: 'eu' })
  const call = {
    service_name: 'notes-api',
    endpoint: '/notes',
    method: 'POST',
    status: 'failure',
    region: 'ap',
    feature: 'ocr',
    file_type: 'xlsx',
    output_format: 'json',
    error_code: 'E42',
    file_size_bytes: 1_048_576,
    processing_time_ms: 12,
    token_count: 7,
    quantity: 1.5,
    properties: { ünïcode: ['🙂', { deep: null }], constructor: 1 },
  }
  const yesterday = new Date(node.server.clock.now() - 86_400_000).toISOString().slice(0, 10)
  const timestamp = `${yesterday}T15:32:18+01:00`
  expectStatus(
    await node.call('POST', '/api/track', key, { account_id: id, timestamp, ...call }),
    200,
  )
  const { data } = (await node.call('GET', '/api/entries?limit=1', key)).body
  for (const [name, value] of Object.entries(call)) assert.deepEqual(data[0][name], value, name)
  assert.equal(data[0].occurred_at, `${yesterday}T14:32:18.000Z`)
})

test('a reply that was lost: sent again, the decision is the same though the balance is gone by then', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  await give(id, 5)
  const call = { endpoint: '/work', credits_used: 3, idempotency_key: 'lost' }
  const denied = { endpoint: '/work', credits_used: 6, idempotency_key: 'too dear' }
  const first = await node.call('POST', '/api/track', key, call)
  const refused = await node.call('POST', '/api/track', key, denied)
  assert.equal(refused.status, 402)
  expectStatus(
    await node.call('POST', '/api/track', key, { endpoint: '/work', credits_used: 2 }),
    200,
  )
  expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/work' }), 402)

  const again = expectStatus(await node.call('POST', '/api/track', key, call), 200)
  assert.deepEqual(again.body, { ...first.body, replayed: true })
  await give(id, 100)
  const deniedAgain = expectStatus(await node.call('POST', '/api/track', key, denied), 402)
  assert.deepEqual(deniedAgain.body, { ...refused.body, replayed: true })
})

test('a key that comes with another body is a conflict, and nothing is charged for it', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  await give(id, 5)
  const call = { endpoint: '/work', idempotency_key: 'k', properties: { a: 1, b: 2 } }
  expectStatus(await node.call('POST', '/api/track', key, call), 200)
  for (const other of [{ endpoint: '/other' }, { quantity: 2 }, { properties: { a: 1, b: 3 } }]) {
    assertProblem(
      await node.call('POST', '/api/track', key, { ...call, ...other }),
      'idempotency_conflict',
    )
  }
  const reordered = { properties: { b: 2, a: 1 }, idempotency_key: 'k', endpoint: '/work' }
  assert.equal((await node.call('POST', '/api/track', key, reordered)).body.replayed, true)
  assert.equal((await node.call('GET', '/api/quota', key)).body.credits.balance, 4)
})

test("keys belong to their tenant: another one's key is free", async () => {
  const tenants = [await node.tenant(), await node.tenant()]
  for (const { key } of tenants) {
    const reply = await node.call('POST', '/api/track', key, {
      endpoint: '/x',
      idempotency_key: 'same',
    })
    assert.equal(reply.body.replayed, false)
  }
})

test('a batch of good, bad, repeated and conflicting events has one result each, in order; sent again all are replayed', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  const other = await node.tenant()
  await give(id, 4)
  const before = await seqOf(id)
  const event = (name: string, more: object = {}) => ({
    endpoint: '/work',
    idempotency_key: name,
    ...more,
  })
  const batch = [
    event('a'),
    event('b', { credits_used: -1, colour: 'red' }),
    event('a'),
    event('a', { endpoint: '/other' }),
    'not an event',
    event('c', { credits_used: 2 }),
    event('d', { tenant_id: other.id }),
    event('e', { credits_used: 2 }),
    event('f', { timestamp: '0001-01-01T00:00:00Z' }),
    event('g'),
  ]
  const outcome = ({ body }: Reply) =>
    body.results.map((result: Record<string, unknown>) => result.code ?? result.reason ?? 'allowed')
  const expected = [
    'allowed',
    'invalid_request',
    'allowed',
    'idempotency_conflict',
    'invalid_request',
    'allowed',
    'tenant_not_found',
    'insufficient_credits',
    'invalid_request',
    'allowed',
  ]
  const first = expectStatus(await node.call('POST', '/api/track', key, batch), 200)
  assert.deepEqual(outcome(first), expected)
  const { results } = first.body
  assert.deepEqual(
    results.map((result: { status: number }) => result.status),
    [200, 400, 200, 409, 400, 200, 404, 402, 400, 200],
  )
  assert.deepEqual(results[2], { ...results[0], replayed: true })
  const fieldsOf = (index: number) =>
    results[index].errors.map(({ field }: { field: string }) => field)
  assert.deepEqual(fieldsOf(1), ['credits_used', 'colour'])
  assert.deepEqual(fieldsOf(8), ['timestamp'])
  assert.equal(await seqOf(id), before + 4)

  const again = await node.call('POST', '/api/track', key, batch)
  assert.deepEqual(outcome(again), expected)
  for (const [index, result] of again.body.results.entries()) {
    if (result.code === undefined) assert.deepEqual(result, { ...results[index], replayed: true })
  }
  assert.equal(await seqOf(id), before + 4)
})

test('a batch of 1,000 events is taken, one of 1,001 or none is not', async () => {
  const { id, key } = await node.tenant()
  const batch = (count: number) => Array.from({ length: count }, () => ({ endpoint: '/x' }))
  const { results } = (await node.call('POST', '/api/track', key, batch(1_000))).body
  const numbers = results.map(({ seq }: { seq: number }) => seq)
  assert.deepEqual(
    numbers,
    Array.from({ length: 1_000 }, (_, index) => index + 2),
  )
  for (const count of [0, 1_001, 2_000]) {
    assertProblem(
      await node.call('POST', '/api/track', key, batch(count)),
      'invalid_request',
      'body',
    )
  }
  assert.equal(await seqOf(id), 1_001)
})

test('what is only large to keep the server busy is refused before it does', async () => {
  const { key } = await node.tenant()
  const fields = Array.from({ length: 100_000 }, (_, index) => `"${index.toString(36)}":1`).join(
    ',',
  )
  for (const many of [`{${fields}}`, `{"endpoint":"/x","properties":{${fields}}}`]) {
    assertProblem(await node.call('POST', '/api/track', key, many), 'body_too_large')
    assertProblem(await node.call('POST', '/api/holds', key, many), 'body_too_large')
    const batch = expectStatus(
      await node.call('POST', '/api/track', key, `[{"endpoint":"/x"},${many}]`),
      200,
    )
    const [good, bad] = batch.body.results
    assert.equal(good.status, 200)
    assert.equal(bad.status, 400)
    assert.match(bad.errors[0].message, /more than 4096 values/)
  }
})

test('a batch of 1,000 events of the largest size is taken', async () => {
  const { key } = await node.tenant()
  const largest = {
    endpoint: `/${'x'.repeat(1_023)}`,
    error_code: 'é'.repeat(200),
    properties: { numbers: Array(2_040).fill(1) },
  }
  const batch = Array.from({ length: 1_000 }, () => largest)
  const { results } = expectStatus(await node.call('POST', '/api/track', key, batch), 200).body
  assert.ok(results.every(({ status }: { status: number }) => status === 200))
})

test('a service reports for any tenant, and must name it', async () => {
  const { id } = await node.tenant()
  const service = await node.service('mapping')
  const call = { tenant_id: id, endpoint: '/map' }
  expectStatus(await node.call('POST', '/api/track', service.key, call), 200)
  const [entry] = (await node.admin('GET', `/api/entries?tenant_id=${id}&limit=1`)).body.data
  assert.equal(entry.service_name, 'mapping')
  const nameless = await node.call('POST', '/api/track', service.key, { endpoint: '/map' })
  assertProblem(nameless, 'invalid_request', 'tenant_id')
  const unknown = await node.call('POST', '/api/track', service.key, {
    ...call,
    tenant_id: 'nobody',
  })
  assertProblem(unknown, 'tenant_not_found', 'tenant_id')
  const split = await node.call('POST', '/api/track', service.key, {
    ...call,
    account_id: 'nobody',
  })
  assertProblem(split, 'invalid_request', 'account_id')
})
