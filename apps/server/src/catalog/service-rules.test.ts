import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn } from '../../test/node.ts'

const database = await testDatabase()
const node = watched(await nodeOn(database))
after(async () => {
  await node.stop()
  await database.drop()
})
const prepaid = await node.tenant({ plan: 'prepaid' })
expectStatus(
  await node.admin('POST', `/api/admin/tenants/${prepaid.id}/credits`, {
    amount: 1_000,
    reason: 'test',
  }),
  201,
)
const pathOf = (service: string) => `/api/admin/services/${encodeURIComponent(service)}/rules`
const read = (service: string) => node.admin('GET', pathOf(service))
const write = (service: string, rules: unknown) => node.admin('PUT', pathOf(service), rules)
const rule = (credits: number) => ({ endpoints: [{ path: '/work', methods: ['POST'], credits }] })

async function charged(service: string): Promise<number> {
  const call = { service_name: service, endpoint: '/work', method: 'POST' }
  const reply = await node.call('POST', '/api/track', prepaid.key, call)
  return expectStatus(reply, 200).body.credits.charged
}

test('a service that was registered has no rules until it gets some', async () => {
  const { name } = await node.service('plain')
  assert.deepEqual(expectStatus(await read(name), 200).body, {
    trust_reported: null,
    endpoints: [],
  })
})

test('rules hold on this node from the answer on', async () => {
  const { name } = await node.service('priced')
  assert.equal(await charged(name), 1)
  for (const credits of [7, 3]) {
    expectStatus(await write(name, rule(credits)), 200)
    assert.equal(await charged(name), credits)
  }
  expectStatus(await write(name, { endpoints: [] }), 200)
  assert.equal(await charged(name), 1)
})

test('what is read can be written, and changes nothing then', async () => {
  const { body } = expectStatus(await read('document-api'), 200)
  assert.equal(body.endpoints.length, 4)
  const { pool } = node.server
  const count = () =>
    pool.query('SELECT count(*) FROM catalog_rules, audit').then(({ rows }) => rows)
  const before = await count()
  assert.deepEqual(expectStatus(await write('document-api', body), 200).body, body)
  assert.deepEqual(await count(), before)
})

test('the rules of other services, and the plans on offer, stay', async () => {
  const { name } = await node.service('alone')
  const before = [(await read('document-api')).body, node.server.catalog.planNames()]
  expectStatus(await write(name, rule(2)), 200)
  assert.deepEqual([(await read('document-api')).body, node.server.catalog.planNames()], before)
})

test('another node follows with its refresh', async () => {
  const other = await nodeOn(database)
  try {
    const { name } = await node.service('elsewhere')
    expectStatus(await write(name, rule(9)), 200)
    await other.server.catalog.refresh()
    const rules = other.server.catalog.rules.services.get(name)!
    assert.equal(rules.endpoints[0]?.credits, 9_000_000n)
  } finally {
    await other.stop()
  }
})

test('of services that are changed at once none is lost', async () => {
  const names = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => node.service(`racing-${n}`)))
  await Promise.all(names.map(async ({ name }) => expectStatus(await write(name, rule(5)), 200)))
  for (const { name } of names) assert.equal(await charged(name), 5, name)
})

test('there are no rules of a service that does not exist', async () => {
  for (const name of ['nobody', 'constructor', '__proto__', '*', 'a b']) {
    assertProblem(await read(name), 'not_found')
    assertProblem(await write(name, rule(1)), 'not_found')
  }
  const { rows } = await node.server.pool.query(
    "SELECT count(*)::int AS found FROM catalog_rules WHERE rules::text ~ 'nobody|constructor'",
  )
  assert.equal(rows[0].found, 0)
})

test('a service may be called as objects call what they have', async () => {
  const { name } = await node.service('toString')
  assert.deepEqual(expectStatus(await read(name), 200).body, {
    trust_reported: null,
    endpoints: [],
  })
  expectStatus(await write(name, rule(4)), 200)
  assert.equal(await charged(name), 4)
})

test('what is wrong is named by its field, and what was in force stays', async () => {
  const { name } = await node.service('strict')
  expectStatus(await write(name, rule(2)), 200)
  const cases: [rules: unknown, field: string][] = [
    [{ endpoints: [{ path: 'work' }] }, 'endpoints[0].path'],
    [{ endpoints: [{ path: '/x', credits: -1 }] }, 'endpoints[0].credits'],
    [{ endpoints: [{ path: '/x', credits: '2' }] }, 'endpoints[0].credits'],
    [{ endpoints: [{ path: '/x', methods: ['post'] }] }, 'endpoints[0].methods[0]'],
    [
      { endpoints: [{ path: '/x', factors: { region: { eu: 1, EU: 2 } } }] },
      'endpoints[0].factors.region',
    ],
    [
      { endpoints: [{ path: '/x', credits: 2, credits_from_tokens: { rate: '1' } }] },
      'endpoints[0].credits_from_tokens',
    ],
    [{ endpoint: [] }, 'endpoint'],
    [{}, 'endpoints'],
    [{ trust_reported: false }, 'endpoints'],
    [{ trust_reported: 'yes', endpoints: [] }, 'trust_reported'],
    [[], 'body'],
    [null, 'body'],
  ]
  for (const [rules, field] of cases)
    assertProblem(await write(name, rules), 'invalid_request', field)
  const many = { endpoints: Array(5_000).fill({ path: '/xxxxx' }) }
  assertProblem(await write(name, many), 'body_too_large')
  assert.equal(await charged(name), 2)
})

test('the audit log tells the rules as they were and as they are', async () => {
  const { name } = await node.service('told')
  expectStatus(await write(name, rule(2)), 200)
  expectStatus(await write(name, { ...rule(3), trust_reported: false }), 200)
  const path = `/api/admin/audit?object_id=${name}&action=service.rules_changed`
  const [line, first] = expectStatus(await node.admin('GET', path), 200).body.data
  assert.equal(line.before.endpoints[0].credits, 2)
  assert.equal(line.after.endpoints[0].credits, 3)
  assert.equal(line.after.trust_reported, false)
  assert.equal(line.after.rules_version, line.before.rules_version + 1)
  assert.deepEqual(Object.keys(first.before), ['rules_version'])
})
