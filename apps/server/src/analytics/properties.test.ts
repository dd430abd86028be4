import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { assertProblem } from '../../test/api-problem.ts'
import { catalogFile } from '../../test/api-catalog.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { differencesOfRollups } from '../../test/usage-model.ts'
import { loadCatalog } from '../catalog/load-catalog.ts'
import { parseCatalog } from '../catalog/parse-catalog.ts'
import { USAGE_LOG_LINES_MAX, USAGE_VALUES_PER_HOUR_MAX } from '../limits.ts'
import { placeTenants, UsageFolder } from './rollups/folder.ts'
import { rebuildRollups } from './rollups/rebuild.ts'

const catalogWith = (properties: string) => `
catalog: 1
usage_properties: [${properties}]
plans: { all: { features: { granularity: second, retention_months: null } } }
`
const file = await catalogFile(catalogWith('model, customer'))
const node = await testNode({ catalogFile: file.path })
const { pool } = node.server
after(async () => {
  await node.stop()
  await file.remove()
})
const service = await node.service('s')
const newTenant = () => node.tenant({ plan: 'all', test_clock: '2025-03-01T12:00:00Z' })

function read(key: string, query: string) {
  return node.call('GET', `/api/usage/timeseries?granularity=monthly&${query}`, key)
}

async function totals(key: string, property: string, more = ''): Promise<Record<string, number>> {
  const query = `group_by=property&property=${property}${more}`
  const { body } = expectStatus(await read(key, query), 200)
  assert.deepEqual([body.group_by, body.property], ['property', property])
  const series: { value: string; total: number }[] = body.series
  return Object.fromEntries(series.map(({ value, total }) => [value, total]))
}

async function count(properties: string): Promise<void> {
  await loadCatalog(pool, parseCatalog(catalogWith(properties), 'file'))
  await node.server.catalog.refresh()
}

async function foldAll(): Promise<void> {
  await placeTenants(pool)
  for (;;) {
    await new UsageFolder(pool, 100).run()
    const { rows } = await pool.query(
      `SELECT FROM account LEFT JOIN usage_position USING (tenant_no)
       WHERE last_seq > coalesce(folded_seq, 0) OR NOT live`,
    )
    if (rows.length === 0) return
  }
}

const positions = async (tenantId: string) => {
  const { rows } = await pool.query(
    `SELECT generation, live, properties FROM usage_position JOIN tenant USING (tenant_no)
     WHERE tenant_id = $1 ORDER BY generation`,
    [tenantId],
  )
  return rows
}

test('what is asked by must be counted, and the answer says by what one can ask', async () => {
  const { key } = await newTenant()
  const errors: [query: string, field: string, detail: RegExp][] = [
    ['group_by=property', 'property', /one of customer, model/],
    ['group_by=property&property=nothing', 'property', /one of customer, model/],
    ['group_by=property&property=toString', 'property', /one of customer, model/],
    ['group_by=region&property=model', 'property', /goes with group_by=property/],
    ['property=model', 'property', /goes with group_by=property/],
    ['group_by=property&property=', 'property', /./],
  ]
  for (const [query, field, detail] of errors) {
    const reply = await read(key, query)
    assertProblem(reply, 'invalid_request', field)
    assert.match(JSON.stringify(reply.body.errors), detail)
  }
  await count('')
  assertProblem(await read(key, 'group_by=property&property=model'), 'invalid_request', 'group_by')
  await count('model, customer')
})

test('another list holds at once and exactly: from the log, until rollups by it have taken over', async () => {
  const { id, key } = await newTenant()
  const call = { properties: { customer: 'acme', model: 7, project: true } }
  await sendCalls(node, service.key, id, [call, call, { properties: { customer: ['acme'] } }])
  await foldAll()
  const before = await positions(id)
  assert.deepEqual(before[0].properties, ['customer', 'model'])
  assert.deepEqual(await totals(key, 'customer'), { acme: 2 })

  await count('project, customer')
  assert.deepEqual(await totals(key, 'project'), { true: 2 })
  assert.deepEqual(await totals(key, 'customer'), { acme: 2 })
  await placeTenants(pool)
  const meanwhile = await positions(id)
  assert.deepEqual(
    meanwhile.map(({ live, properties }) => [live, properties]),
    [
      [true, ['customer', 'model']],
      [false, ['customer', 'project']],
    ],
  )
  await sendCalls(node, service.key, id, [call])
  assert.deepEqual(await totals(key, 'project'), { true: 3 })
  await foldAll()
  const [taken, ...others] = await positions(id)
  assert.deepEqual([taken.properties, others], [['customer', 'project'], []])
  assert.deepEqual(await totals(key, 'project'), { true: 3 })
  assert.deepEqual(await totals(key, 'customer'), { acme: 3 })
  assertProblem(await read(key, 'group_by=property&property=model'), 'invalid_request', 'property')
  assert.deepEqual(await differencesOfRollups(pool), [])

  await count('customer, project')
  await placeTenants(pool)
  assert.equal((await positions(id)).length, 1, 'the same ones in another order are the same')
  await count('model, customer')
})

test('where the log is too long to be read, a new property is refused until it is counted', async () => {
  const { id, key } = await newTenant()
  await sendCalls(node, service.key, id, [{ properties: { later: 'x', model: 'y' } }])
  await foldAll()
  await count('model, later')
  const logOf = `UPDATE account SET last_seq = $2
    WHERE tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $1)`
  const { rows } = await pool.query(
    'SELECT last_seq FROM account JOIN tenant USING (tenant_no) WHERE tenant_id = $1',
    [id],
  )
  await pool.query(logOf, [id, USAGE_LOG_LINES_MAX + 1])
  const reply = await read(key, 'group_by=property&property=later')
  assertProblem(reply, 'not_yet_counted')
  assert.equal(reply.headers.get('etag'), null)
  assert.deepEqual(await totals(key, 'model'), { y: 1 })
  await pool.query(logOf, [id, rows[0].last_seq])
  await foldAll()
  assert.deepEqual(await totals(key, 'later'), { x: 1 })
  await count('model, customer')
})

test('each property has a bound of its own, and what is beyond is other of its own', async () => {
  const { id, key } = await newTenant()
  const all = Array.from({ length: USAGE_VALUES_PER_HOUR_MAX + 40 }, (_, index) => index)
  const calls = all.map((index) => ({ properties: { customer: `c${index}`, model: index % 3 } }))
  await sendCalls(node, service.key, id, calls)
  await foldAll()
  const { rows } = await pool.query<{ value: string; calls: bigint }>(
    `SELECT value, calls FROM usage_hour JOIN tenant USING (tenant_no)
     WHERE tenant_id = $1 AND dimension = 12 ORDER BY value`,
    [id],
  )
  const ofCustomers = rows.filter(({ value }) => value.startsWith('customer='))
  assert.equal(ofCustomers.length, USAGE_VALUES_PER_HOUR_MAX + 1)
  assert.equal(ofCustomers.find(({ value }) => value === 'customer=(other)')?.calls, 40n)
  assert.equal(rows.length - ofCustomers.length, 3)
  assert.deepEqual(await totals(key, 'model'), { 0: 80, 1: 80, 2: 80 })
  const hourly = '&granularity=hourly&start_date=2025-03-01&end_date=2025-03-01&series=2'
  const { customer } = { customer: await totals(key, 'customer', '&series=2') }
  assert.equal(customer['(other)'], all.length - 2)
  const path = `/api/usage/timeseries?group_by=property&property=customer${hourly}`
  const { body } = expectStatus(await node.call('GET', path, key), 200)
  assert.equal(body.series.at(-1).total, all.length - 2)
  assert.deepEqual(await differencesOfRollups(pool), [])
})

test('what differs from the log is found, and made again with the same properties', async () => {
  await pool.query(
    `UPDATE usage_hour SET calls = calls + 1 WHERE dimension = 12 AND value = 'model=1'`,
  )
  const [difference] = await differencesOfRollups(pool)
  assert.match(difference!, /usage by property in the hour .* model=1: calls/)
  await rebuildRollups(pool, () => undefined)
  assert.deepEqual(await differencesOfRollups(pool), [])
  const { rows } = await pool.query('SELECT DISTINCT properties FROM usage_position WHERE live')
  assert.deepEqual(rows, [{ properties: ['customer', 'model'] }])
})
