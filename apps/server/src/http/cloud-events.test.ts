import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { assertProblem } from '../../test/api-problem.ts'
import { BATCHED, STRUCTURED, send } from '../../test/api-request.ts'
import { expectStatus, type Reply, testNode } from '../../test/node.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service('converter')

const path = '/api/events'
const event = (id: string, more: object = {}) => ({
  specversion: '1.0',
  id,
  source: '/converter',
  type: '/convert',
  ...more,
})
const structured = (key: string, body: unknown) =>
  send(node.url, key, { method: 'POST', path, headers: STRUCTURED, body })
const batch = (key: string, body: unknown) =>
  send(node.url, key, { method: 'POST', path, headers: BATCHED, body })
const binary = (key: string, headers: Record<string, string>, body?: unknown) =>
  send(node.url, key, { method: 'POST', path, headers, ...(body === undefined ? {} : { body }) })
const entries = async (key: string) => (await node.call('GET', '/api/entries', key)).body.data
const quotaOf = async (key: string) => (await node.call('GET', '/api/quota', key)).body
const give = async (id: string, amount: number) =>
  expectStatus(
    await node.admin('POST', `/api/admin/tenants/${id}/credits`, { amount, reason: 'test' }),
    201,
  )
const yesterday = new Date(node.server.clock.now() - 86_400_000).toISOString().slice(0, 10)
const fieldsOf = ({ body }: Reply): string[] =>
  body.errors.map(({ field }: { field: string }) => field)

test('an event in structured mode is recorded, and answered without a body', async () => {
  const { id, key } = await node.tenant()
  const time = `${yesterday}T04:05:06Z`
  const data = { method: 'POST', token_count: 3, quantity: 2, status: 'failure', error_code: 'E1' }
  const reply = expectStatus(await structured(key, event('a', { subject: id, time, data })), 204)
  assert.equal(reply.body, '')
  const [entry] = await entries(key)
  assert.equal(entry.kind, 'report')
  assert.equal(entry.service_name, '/converter')
  assert.equal(entry.endpoint, '/convert')
  assert.equal(entry.occurred_at, `${yesterday}T04:05:06.000Z`)
  for (const [name, value] of Object.entries(data)) assert.equal(entry[name], value, name)
})

test('what data says of service, endpoint and time wins over the attributes', async () => {
  const { key } = await node.tenant()
  const data = { service_name: 'notes', endpoint: '/notes', timestamp: `${yesterday}T01:00:00Z` }
  expectStatus(await structured(key, event('a', { time: `${yesterday}T02:00:00Z`, data })), 204)
  const [entry] = await entries(key)
  assert.equal(entry.service_name, 'notes')
  assert.equal(entry.endpoint, '/notes')
  assert.equal(entry.occurred_at, `${yesterday}T01:00:00.000Z`)
})

test('fields of data that are not known are kept as properties, beside those that are given as such', async () => {
  const { key } = await node.tenant()
  const data = { colour: 'red', pages: [1, { n: 2 }], properties: { own: true }, region: 'eu' }
  expectStatus(await structured(key, event('a', { data, extension: 'not kept' })), 204)
  const [entry] = await entries(key)
  assert.deepEqual(entry.properties, { colour: 'red', pages: [1, { n: 2 }], own: true })
  assert.equal(entry.region, 'eu')
  const large = await structured(key, event('b', { data: { text: 'x'.repeat(4_100) } }))
  assertProblem(large, 'invalid_request', 'data')
})

test('the same source and id again is 204 and counts once; with another body it is a conflict', async () => {
  const { key } = await node.tenant()
  for (let time = 0; time < 3; time += 1)
    expectStatus(await structured(key, event('a', { data: { region: 'eu' } })), 204)
  assert.equal((await quotaOf(key)).quota.used, 1)
  assertProblem(
    await structured(key, event('a', { data: { region: 'us' } })),
    'idempotency_conflict',
  )
  assertProblem(
    await structured(key, event('a', { type: '/other', data: { region: 'eu' } })),
    'idempotency_conflict',
  )
  expectStatus(await structured(key, event('a', { source: '/other' })), 204)
  expectStatus(await structured(key, event('b')), 204)
  assert.equal((await quotaOf(key)).quota.used, 3)
})

test('source and id are two things: no event passes for another by shifting letters between them', async () => {
  const { key } = await node.tenant()
  for (const [source, id] of [
    ['a', 'bc'],
    ['ab', 'c'],
    ['a b', 'c'],
    ['a', 'b c'],
  ] as const) {
    expectStatus(await structured(key, event(id, { source })), 204)
  }
  assert.equal((await quotaOf(key)).quota.used, 4)
})

test("a call's key and an event's id do not meet, though they be written alike", async () => {
  const { key } = await node.tenant()
  expectStatus(
    await node.call('POST', '/api/track', key, { endpoint: '/convert', idempotency_key: 'a' }),
    200,
  )
  expectStatus(await structured(key, event('a')), 204)
  assert.equal((await quotaOf(key)).quota.used, 2)
})

test('what goes beyond a hard quota is recorded as overage, never denied', async () => {
  const { key } = await node.tenant({ plan: 'free' })
  expectStatus(await structured(key, event('most', { data: { quantity: 99 } })), 204)
  expectStatus(await structured(key, event('over', { data: { quantity: 3 } })), 204)
  const [last, before] = await entries(key)
  assert.deepEqual([before.overage, last.overage], [false, true])
  assert.equal(last.decision, 'allowed')
  const { quota } = await quotaOf(key)
  assert.deepEqual([quota.used, quota.overage, quota.remaining], [102, 2, 0])
  const denied = await node.call('POST', '/api/track', key, { endpoint: '/x' })
  assert.equal(denied.body.reason, 'quota_exceeded')
})

test('what goes beyond the credits takes those that are left and is overage, never debt', async () => {
  const { id, key } = await node.tenant({ plan: 'prepaid' })
  await give(id, 5)
  expectStatus(await structured(key, event('dear', { data: { credits_used: 8 } })), 204)
  const [entry] = await entries(key)
  assert.deepEqual(entry.credits, { change: -5, cost: 8, remaining: 0 })
  assert.equal(entry.overage, true)
  assert.equal((await quotaOf(key)).credits.balance, 0)
})

test('a suspended tenant, a denied or premium endpoint, a rate limit: what happened is recorded all the same', async () => {
  const { id, key } = await node.tenant({ plan: 'free' })
  const data = { service_name: 'document-api', endpoint: '/bulk/7' }
  expectStatus(await structured(key, event('denied', { data })), 204)
  expectStatus(await structured(key, event('premium', { data: { premium: true } })), 204)
  expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { status: 'suspended' }), 200)
  expectStatus(await structured(key, event('suspended')), 204)
  assert.equal((await quotaOf(key)).quota.used, 3)
})

test('a batch is recorded in order, and sent again changes nothing', async () => {
  const { key } = await node.tenant()
  const events = Array.from({ length: 50 }, (_, index) =>
    event(`e${index}`, { data: { token_count: index } }),
  )
  expectStatus(await batch(key, events), 204)
  expectStatus(await batch(key, events), 204)
  const counts = (await entries(key)).map(({ token_count }: { token_count: number }) => token_count)
  assert.deepEqual(
    counts,
    Array.from({ length: 50 }, (_, index) => 49 - index),
  )
  expectStatus(await batch(key, []), 204)
})

test('of a batch with bad events the others are recorded, and the bad ones named by their place', async () => {
  const { key } = await node.tenant()
  expectStatus(await structured(key, event('known')), 204)
  const reply = await batch(key, [
    event('a'),
    event('b', { specversion: '0.3' }),
    event('c', { data: { token_count: -1, quantity: 'x' } }),
    event('known', { type: '/other' }),
    'nonsense',
    event('d', { subject: 'nobody' }),
    event('e', { time: '0001-01-01T00:00:00Z' }),
    event('f'),
  ])
  assertProblem(reply, 'invalid_request')
  const expected = [
    '[1].specversion',
    '[2].data.token_count',
    '[2].data.quantity',
    '[3]',
    '[4]',
    '[5].subject',
    '[6].time',
  ]
  assert.deepEqual(fieldsOf(reply).sort(), expected.sort())
  assert.equal(reply.body.detail, '2 of 8 events were recorded.')
  assert.equal((await quotaOf(key)).quota.used, 3)
  assertProblem(
    await batch(key, [event('known', { type: '/other' })]),
    'idempotency_conflict',
    '[0]',
  )
})

test('a batch is an array of at most 1,000 events', async () => {
  const { key } = await node.tenant()
  assertProblem(await batch(key, event('a')), 'invalid_request', 'body')
  const many = Array.from({ length: 1_001 }, (_, index) => event(`e${index}`))
  assertProblem(await batch(key, many), 'invalid_request', 'body')
  assertProblem(await structured(key, [event('a')]), 'invalid_request', 'body')
  assert.equal((await quotaOf(key)).quota.used, 0)
})

test('an event in binary mode: attributes in headers, percent-encoded; data in the body', async () => {
  const { id, key } = await node.tenant()
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'b-1',
    'ce-source': encodeURIComponent('/konverter/größe'),
    'ce-type': '/convert',
    'ce-subject': id,
    'ce-time': `${yesterday}T04:05:06Z`,
    'ce-extension': 'not kept',
  }
  expectStatus(await binary(key, headers, { region: 'eu', colour: 'red' }), 204)
  expectStatus(await binary(key, headers, { colour: 'red', region: 'eu' }), 204)
  const [entry] = await entries(key)
  assert.equal(entry.service_name, '/konverter/größe')
  assert.deepEqual(entry.properties, { colour: 'red' })
  assert.equal((await quotaOf(key)).quota.used, 1)
  const same = event('b-1', {
    source: '/konverter/größe',
    time: `${yesterday}T04:05:06Z`,
    data: { region: 'eu', colour: 'red' },
  })
  expectStatus(await structured(key, same), 204)
  assert.equal((await quotaOf(key)).quota.used, 1, 'the modes are ways to write the same event')
  expectStatus(await binary(key, { ...headers, 'ce-id': 'b-2' }), 204)
})

test('binary mode names the header that is wrong', async () => {
  const { key } = await node.tenant()
  const headers = { 'ce-specversion': '1.0', 'ce-id': 'x', 'ce-source': 's', 'ce-type': 't' }
  const without = ({ 'ce-id': _, ...rest }: typeof headers) => rest
  assertProblem(await binary(key, without(headers), {}), 'invalid_request', 'id')
  assertProblem(
    await binary(key, { ...headers, 'ce-source': '%E0%A4%A' }, {}),
    'invalid_request',
    'ce-source',
  )
  assertProblem(
    await binary(key, { ...headers, 'ce-source': 'a%00b' }, {}),
    'invalid_request',
    'ce-source',
  )
  assertProblem(
    await binary(key, { ...headers, 'ce-specversion': '0.3' }, {}),
    'invalid_request',
    'specversion',
  )
  assertProblem(await binary(key, headers, [1]), 'invalid_request', 'data')
  assertProblem(await binary(key, {}, { endpoint: '/x' }), 'unsupported_media_type')
})

test('a service reports for the tenant that the subject names, and must name one', async () => {
  const { id, key } = await node.tenant()
  expectStatus(await structured(service.key, event('a', { subject: id })), 204)
  assert.equal((await quotaOf(key)).quota.used, 1)
  assertProblem(await structured(service.key, event('b')), 'invalid_request', 'subject')
  assertProblem(
    await structured(service.key, event('b', { subject: 'nobody' })),
    'tenant_not_found',
    'subject',
  )
})

test('what is not CloudEvents 1.0 with JSON is refused by name', async () => {
  const { key } = await node.tenant()
  const refused = async (more: object, field: string) =>
    assertProblem(await structured(key, { ...event('a'), ...more }), 'invalid_request', field)
  await refused({ specversion: '0.3' }, 'specversion')
  await refused({ specversion: 1 }, 'specversion')
  await refused({ data_base64: 'eyJhIjoxfQ==' }, 'data_base64')
  await refused({ datacontenttype: 'text/xml', data: '<a/>' }, 'datacontenttype')
  await refused({ id: '' }, 'id')
  await refused({ source: undefined }, 'source')
  await refused({ type: undefined }, 'type')
  await refused({ time: 'yesterday' }, 'time')
  await refused({ data: 'text' }, 'data')
  assert.equal((await entries(key)).length, 1)
})

test('whatever stands in the headers of binary mode, it is recorded or refused, and never our fault', async () => {
  const { key } = await node.tenant()
  // What a header can hold: Latin-1 without control characters, no white space at the ends.
  const printable = fc
    .integer({ min: 0x21, max: 0xff })
    .filter((code) => code < 0x7f || code > 0xa0)
  const value = fc.oneof(
    fc.array(printable, { maxLength: 30 }).map((codes) => String.fromCharCode(...codes)),
    fc.string({ unit: 'grapheme', maxLength: 10 }).map(encodeURIComponent),
    fc.constantFrom(
      '1.0',
      '2026-02-03T04:05:06Z',
      'application/json',
      '%00',
      '%F0%9F%98%80',
      '%',
      'null',
    ),
  )
  const names = [
    'id',
    'source',
    'type',
    'subject',
    'time',
    'datacontenttype',
    'data',
    'data_base64',
    '__proto__',
    'x',
  ]
  const attributes = fc.dictionary(fc.constantFrom(...names), value, {
    maxKeys: 6,
    noNullPrototype: true,
  })
  const handled = fc.asyncProperty(attributes, async (given) => {
    const event = { specversion: '1.0', id: 'i', source: 's', type: 't', ...given }
    const headers = Object.entries(event).map(([name, text]) => [`ce-${name}`, text])
    const { status, body } = await binary(key, Object.fromEntries(headers), {})
    assert.ok(status === 204 || (status >= 400 && status < 500 && body.code), JSON.stringify(body))
  })
  await fc.assert(handled, { numRuns: 300 })
})
