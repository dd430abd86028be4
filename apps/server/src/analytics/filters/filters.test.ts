import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../../test/api-catalog.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { send } from '../../../test/api-request.ts'
import { signedIn } from '../../../test/members.ts'
import { expectStatus, type Reply, testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { USAGE_LOG_LATE_HOURS, USAGE_LOG_LINES_MAX } from '../../limits.ts'
import { placeTenants, UsageFolder } from '../rollups/folder.ts'

const file = await catalogFile(`
catalog: 1
usage_properties: [customer, model]
plans:
  all: { features: { granularity: second, retention_months: null } }
  days: { features: { granularity: daily, retention_months: 0 } }
`)
const node = await testNode({ catalogFile: file.path })
const { pool } = node.server
after(async () => {
  await node.stop()
  await file.remove()
})
const converter = await node.service('convert-api')
const mailer = await node.service('mail-api')
const newTenant = (more: object = {}) =>
  node.tenant({ plan: 'all', test_clock: '2025-03-10T12:00:00Z', ...more })

const read = (key: string, query: string) =>
  node.call('GET', `/api/usage/timeseries?granularity=monthly&${query}`, key)

type Totals = Record<string, number>
async function totals(key: string, query: string): Promise<Totals> {
  const { body } = expectStatus(await read(key, query), 200)
  return totalsOf(body)
}

function totalsOf({ series }: Reply['body']): Totals {
  return Object.fromEntries(
    series.map(({ value, total }: { value: string | null; total: number }) => [value, total]),
  )
}

async function foldAll(): Promise<void> {
  await placeTenants(pool)
  await new UsageFolder(pool).run()
}

/** Calls of two services in two regions, whose numbers tell which ones were counted. */
async function tenantWithCalls() {
  const tenant = await newTenant()
  const calls = (count: number, call: object) => Array(count).fill(call)
  const [eu, us] = [{ region: 'eu' }, { region: 'us' }]
  await sendCalls(node, converter.key, tenant.id, [
    ...calls(1, { ...eu, endpoint: '/a', properties: { customer: 'acme', model: 7 } }),
    ...calls(2, { ...us, endpoint: '/a', properties: { customer: 'acme', model: 8 } }),
    ...calls(4, { ...eu, endpoint: '/b', status: 'failure', error_code: 'timeout' }),
  ])
  await sendCalls(node, mailer.key, tenant.id, [
    ...calls(8, { ...eu, endpoint: '/a', properties: { customer: 'a=b' } }),
    ...calls(16, { ...us, endpoint: '/b', file_type: 'xlsx', output_format: 'json' }),
  ])
  return tenant
}

const CASES: [query: string, expected: Totals][] = [
  ['region=eu', { null: 13 }],
  ['region=eu,us', { null: 31 }],
  ['region=eu&service=convert-api', { null: 5 }],
  ['group_by=endpoint&region=eu', { '/a': 9, '/b': 4 }],
  ['group_by=endpoint&region=eu&service=convert-api', { '/a': 1, '/b': 4 }],
  ['group_by=service&endpoint=/a&region=us,eu', { 'convert-api': 3, 'mail-api': 8 }],
  ['group_by=region&region=eu', { eu: 13 }],
  ['group_by=region&region=eu&values=us', {}],
  ['group_by=region&region=eu&service=mail-api', { eu: 8 }],
  ['group_by=status&error_code=timeout', { failure: 4 }],
  [
    'group_by=conversion&file_type=xlsx&output_format=json&conversion=xlsx-to-json,x',
    { 'xlsx-to-json': 16 },
  ],
  ['group_by=region&status=failure', { eu: 4 }],
  ['properties=customer=acme', { null: 3 }],
  ['properties=customer=acme,customer=a=b', { null: 11 }],
  ['properties=customer=acme,model=7', { null: 1 }],
  ['properties=customer=acme,model=9', { null: 0 }],
  ['group_by=region&properties=customer=acme', { eu: 1, us: 2 }],
  ['group_by=property&property=customer&region=eu', { acme: 1, 'a=b': 8 }],
  ['group_by=property&property=model&properties=customer=acme', { 7: 1, 8: 2 }],
  ['group_by=property&property=customer&properties=customer=acme', { acme: 3 }],
  ['region=nowhere', { null: 0 }],
  ['region=nowhere&service=mail-api', { null: 0 }],
  ['group_by=endpoint&region=nowhere', {}],
  ["group_by=endpoint&region=eu&service='; DROP TABLE entry; --", {}],
  ['group_by=endpoint&region=eu&feature=ocr', {}],
  ['group_by=endpoint&region=EU', {}],
  ['key=key_nobody&region=eu', { null: 0 }],
  ['team=nobody', { null: 0 }],
]

test('filters hold together, whatever is grouped by, and say nothing of what is unknown', async () => {
  const { key } = await tenantWithCalls()
  const compare = async (more: string) => {
    for (const [query, expected] of CASES) {
      assert.deepEqual(await totals(key, `${query}${more}`), expected, query)
    }
  }
  await compare('')
  await foldAll()
  await compare('')
  await compare('&start_date=2025-03-10&end_date=2025-03-10')
})

test('no filter is an error, and each says what is wrong with it', async () => {
  const { key } = await newTenant()
  const wrong: [query: string, field: string][] = [
    ['region=', 'region'],
    [`region=${'x'.repeat(801)}`, 'region'],
    ['region=eu&region=us', 'region'],
    ['Region=eu', 'Region'],
    ['tenant=x', 'tenant'],
    ['properties=', 'properties'],
    ['properties=customer', 'properties'],
    ['properties=nothing=x', 'properties'],
    ['properties=toString=x', 'properties'],
    ['properties==x', 'properties'],
    ['properties=customer=a,b', 'properties'],
    ['region=eu&values=eu', 'values'],
  ]
  for (const [query, field] of wrong)
    assertProblem(await read(key, query), 'invalid_request', field)
  for (const odd of [
    '%00',
    ',',
    ',,',
    '%ED%A0%80',
    '%F0%9F%98%80',
    '%',
    '\u202e',
    '%5C',
    '%22%7D',
    '(other)',
  ]) {
    for (const query of [
      `region=${odd}&service=${odd}`,
      `group_by=region&properties=model=${odd}`,
    ]) {
      const { status } = await read(key, query)
      assert.ok(status === 200 || status === 400, `${query}: ${status}`)
    }
  }
})

test('keys and teams are those of the own log, and of nobody else', async () => {
  const tenant = await newTenant()
  const other = await newTenant()
  const owner = (await signedIn(node, 'owner', tenant.id)).accessToken
  const keyOf = async (team?: string) => {
    const body = { name: 'k', ...(team === undefined ? {} : { team }) }
    return expectStatus(await node.call('POST', '/api/keys', owner, body), 201).body
  }
  const [search, ops, plain] = [await keyOf('search'), await keyOf('ops'), await keyOf()]
  const foreign = expectStatus(await node.admin('GET', `/api/admin/tenants/${other.id}/keys`), 200)
    .body.data[0].key_id
  const track = async (key: string, count: number, region: string) => {
    for (let call = 0; call < count; call += 1) {
      expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x', region }), 200)
    }
  }
  await track(search.key, 1, 'eu')
  await track(search.key, 2, 'us')
  await track(ops.key, 4, 'eu')
  await track(plain.key, 8, 'eu')
  await track(other.key, 16, 'eu')
  const compare = async () => {
    const cases: [query: string, expected: Totals][] = [
      ['team=search', { null: 3 }],
      ['team=search&region=eu', { null: 1 }],
      ['team=search,ops&region=eu', { null: 5 }],
      [`key=${search.key_id}&team=search`, { null: 3 }],
      [`key=${search.key_id}&team=ops`, { null: 0 }],
      [`key=${search.key_id}&region=us`, { null: 2 }],
      ['group_by=team&region=eu', { search: 1, ops: 4, null: 8 }],
      [`group_by=team&key=${search.key_id}`, { search: 3 }],
      ['group_by=key&team=ops', { [ops.key_id]: 4 }],
      ['group_by=region&team=search', { eu: 1, us: 2 }],
      [`group_by=region&key=${plain.key_id},${foreign}`, { eu: 8 }],
      [`key=${foreign}`, { null: 0 }],
      [`key=${foreign}&region=eu`, { null: 0 }],
      [`group_by=key&key=${foreign}`, {}],
      ['key=NaN', { null: 0 }],
    ]
    for (const [query, expected] of cases) {
      assert.deepEqual(await totals(tenant.key, query), expected, query)
    }
    assert.deepEqual(await totals(other.key, 'region=eu&team=search,ops'), { null: 0 })
  }
  await compare()
  await foldAll()
  await compare()
  expectStatus(await node.call('DELETE', `/api/keys/${search.key_id}`, owner), 204)
  await compare()
  const asOperator = `/api/admin/tenants/${tenant.id}/usage/timeseries?granularity=monthly&team=search&region=eu`
  assert.deepEqual(totalsOf(expectStatus(await node.admin('GET', asOperator), 200).body), {
    null: 1,
  })
})

test('what is void or denied is counted as without filters, and what came too late is not seen by them', async () => {
  const { id, key } = await newTenant()
  const [day, region] = ['2025-03-05', 'eu']
  const range = `start_date=${day}&end_date=${day}`
  const at = `${day}T10:00:00Z`
  await sendCalls(node, converter.key, id, [{ region }, { region }, { region: 'us' }])
  const late = (number: string) => ({ timestamp: at, region, endpoint: `/${number}` })
  await sendCalls(node, converter.key, id, [late('1'), late('2')])
  const entries = expectStatus(await node.call('GET', '/api/entries?limit=2', key), 200).body.data
  assert.deepEqual(await totals(key, `${range}&region=eu`), { null: 2 })
  // They were recorded five days later.
  assert.deepEqual([USAGE_LOG_LATE_HOURS, USAGE_LOG_LINES_MAX], [24, 500_000], 'as documented')
  assert.deepEqual(await totals(key, `${range}&region=eu&service=convert-api`), { null: 0 })
  const path = `/api/events/${entries[0].event_id}/void`
  expectStatus(await node.call('POST', path, converter.key, { reason: 'x' }), 200)
  assert.deepEqual(await totals(key, `${range}&region=eu`), { null: 1 })
  for (const query of ['region=eu&service=convert-api', 'group_by=endpoint&region=eu']) {
    const { series } = expectStatus(await read(key, `${range}&${query}`), 200).body
    for (const { total } of series) assert.equal(total, 0, 'never below zero')
  }
  const minutes = `/api/usage/timeseries?granularity=minute&${range}&group_by=endpoint`
  const { series } = expectStatus(await node.call('GET', minutes, key), 200).body
  assert.deepEqual(series, [], 'nor is it below zero without filters')
  const whole = 'start_date=2025-03-05&end_date=2025-03-10&region=eu&service=convert-api'
  assert.deepEqual(await totals(key, whole), { null: 3 })
})

test('of more values than are shown the others are together, and values restrict what is shown', async () => {
  const { id, key } = await newTenant()
  const calls = Array.from({ length: 400 }, (_, index) => ({
    region: 'eu',
    endpoint: `/${index < 100 ? index % 3 : index}`,
    properties: { customer: index < 100 ? index % 3 : index, model: '(other)' },
  }))
  await sendCalls(node, converter.key, id, [...calls, { region: 'eu', endpoint: '(other)' }])
  const top = { '/0': 34, '/1': 33 }
  const query = 'group_by=endpoint&region=eu'
  assert.deepEqual(await totals(key, `${query}&series=2`), { ...top, '(other)': 334 })
  assert.deepEqual(await totals(key, `${query}&values=/0,/1,/399,/x`), { ...top, '/399': 1 })
  assert.deepEqual(await totals(key, `${query}&values=/0,/1,/399&series=1`), {
    '/0': 34,
    '(other)': 34,
  })
  assert.deepEqual(await totals(key, `${query}&values=/0,/1&endpoint=/1,/2`), { '/1': 33 })
  const byCustomer = 'group_by=property&property=customer&properties=model=(other)&series=1'
  assert.deepEqual(await totals(key, byCustomer), { 0: 34, '(other)': 366 })
  const shown = `${byCustomer}&values=1,2`
  assert.deepEqual(await totals(key, shown), { 1: 33, '(other)': 33 })
})

test('a tag holds until a further line, and is another for another filter', async () => {
  const { id, key } = await tenantWithCalls()
  const ask = async (query: string, known?: string) =>
    send(node.url, key, {
      method: 'GET',
      path: `/api/usage/timeseries?granularity=monthly&${query}`,
      headers: known === undefined ? {} : { 'if-none-match': known },
    })
  const tags = new Set<string>()
  const queries = [
    'region=eu',
    'region=us',
    'region=eu&service=mail-api',
    'region=eu&team=x',
    'service=eu',
  ]
  for (const query of queries) {
    const tag = (await ask(query)).headers.get('etag')!
    assert.equal((await ask(query, tag)).status, 304, query)
    tags.add(tag)
  }
  assert.ok(tags.size >= queries.length - 1)
  const tag = (await ask(queries[2]!)).headers.get('etag')!
  await sendCalls(node, mailer.key, id, [{ region: 'eu' }])
  assert.equal((await ask(queries[2]!, tag)).status, 200)
})

test('where the log is too long filters that need it are refused by name, those that rollups answer are not', async () => {
  const { id, key } = await tenantWithCalls()
  await foldAll()
  const refused: [query: string, field: string][] = [
    ['region=eu&service=mail-api', 'service'],
    ['group_by=endpoint&region=eu', 'region'],
    ['group_by=endpoint&properties=customer=acme', 'properties'],
    ['group_by=property&property=model&properties=customer=acme', 'properties'],
  ]
  await lengthen(id, USAGE_LOG_LINES_MAX + 100)
  for (const [query, field] of refused) {
    const reply = await read(key, query)
    assertProblem(reply, 'invalid_request', field)
    assert.match(JSON.stringify(reply.body.errors), /shorter range/)
  }
  for (const [query, expected] of CASES.slice(0, 2)) {
    assert.deepEqual(await totals(key, query), expected)
  }
  assert.deepEqual(await totals(key, 'group_by=region&region=eu'), { eu: 13 })
  assert.deepEqual(await totals(key, 'properties=customer=acme'), { null: 3 })
})

/** As far as halving can tell a log of so many lines: there are those that it looks at, of denied calls. */
async function lengthen(tenantId: string, lines: number): Promise<void> {
  const seqs: number[] = []
  for (let high = lines; high > 0; high = Math.floor((high + 1) / 2) - 1) {
    seqs.push(Math.floor((high + 1) / 2))
  }
  await pool.query(
    `WITH owner AS (SELECT tenant_no FROM tenant WHERE tenant_id = $1),
       longer AS (UPDATE account SET last_seq = $3 WHERE tenant_no = (SELECT tenant_no FROM owner))
     INSERT INTO entry
     SELECT (jsonb_populate_record(e, jsonb_build_object('seq', s.seq, 'reason', 1))).*
     FROM entry AS e CROSS JOIN unnest($2::int8[]) AS s (seq)
     WHERE e.tenant_no = (SELECT tenant_no FROM owner) AND e.seq = 2 AND NOT EXISTS (
       SELECT FROM entry AS o WHERE o.tenant_no = e.tenant_no AND o.seq = s.seq)`,
    [tenantId, seqs, lines],
  )
}

test('filters give nobody dates, or finer ones, that the plan has not', async () => {
  const { key } = await newTenant({ plan: 'days' })
  for (const query of ['granularity=hourly', 'period=2025-01']) {
    const path = `/api/usage/timeseries?${query}&region=eu&service=x`
    assertProblem(await node.call('GET', path, key), 'plan_feature_required')
  }
})
