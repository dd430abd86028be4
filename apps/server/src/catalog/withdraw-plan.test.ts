import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../test/api-catalog.ts'
import { watched } from '../../test/api-contract.ts'
import { inParallel } from '../../test/api-parallel.ts'
import { assertProblem } from '../../test/api-problem.ts'
import { testDatabase } from '../../test/database.ts'
import { expectStatus, nodeOn } from '../../test/node.ts'

const catalog = await catalogFile(`
catalog: 1
plans:
  free: {}
  team: { price: { base: "10" } }
  next: { price: { base: "20" } }
`)
const database = await testDatabase()
const options = { catalogFile: catalog.path }
const node = watched(await nodeOn(database, options))
after(async () => {
  await node.stop()
  await database.drop()
  await catalog.remove()
})

const withdraw = (plan: string, query = '') =>
  node.admin('DELETE', `/api/admin/plans/${plan}${query}`)
const add = (plans: object) => node.admin('POST', '/api/admin/plans', { plans })
const offered = async (): Promise<string[]> =>
  (await node.call('GET', '/api/plans', null)).body.data.map(({ plan }: { plan: string }) => plan)
const told = async () => {
  const path = '/api/admin/audit?action=plans.changed&limit=500'
  return expectStatus(await node.admin('GET', path), 200).body.data
}

test('a plan that is withdrawn is taken by nobody; tenants stay on it and are billed by it', async () => {
  const tenant = await node.tenant({ plan: 'team', test_clock: '2025-01-01T00:00:00Z' })
  const other = await node.tenant({ plan: 'free', test_clock: '2025-01-01T00:00:00Z' })
  const subscribe = (id: string, body: object) =>
    node.admin('POST', '/api/subscription', { tenant_id: id, ...body })
  expectStatus(await subscribe(other.id, { plan: 'team', when: 'period_end' }), 200)

  const preview = expectStatus(await withdraw('team', '?dry_run=true'), 200).body
  assert.deepEqual(await offered(), ['free', 'next', 'team'])
  const { body } = expectStatus(await withdraw('team'), 200)
  assert.deepEqual(body, { ...preview, dry_run: false })
  assert.deepEqual(body.plans, [
    {
      plan: 'team',
      change: 'withdrawn',
      version: 1,
      fields: [],
      tenants: [{ version: 1, tenants: 1 }],
    },
  ])
  assert.deepEqual(await offered(), ['free', 'next'])

  assertProblem(await subscribe(other.id, { plan: 'team' }), 'invalid_request', 'plan')
  const made = { name: 'n', email: 'n@example.com', plan: 'team' }
  assertProblem(await node.admin('POST', '/api/admin/tenants', made), 'invalid_request', 'plan')
  for (const { id } of [tenant, other]) {
    const now = '2025-03-01T00:00:00Z'
    expectStatus(await node.admin('POST', `/api/admin/tenants/${id}/clock`, { now }), 200)
    const upcoming = await node.admin('GET', `/api/billing/upcoming?tenant_id=${id}`)
    assert.deepEqual([upcoming.body.plan, upcoming.body.total], ['team', '10.00'])
  }
})

test('again changes nothing and is not told; what is offered again is the same version', async () => {
  const [line, ...before] = await told()
  assert.deepEqual([line.before, line.after], [{ plans: { team: 1 } }, { plans: { team: null } }])
  assert.deepEqual(expectStatus(await withdraw('team'), 200).body.plans, [])
  assert.equal((await told()).length, before.length + 1)
  const { body } = expectStatus(await add({ team: { price: { base: '10' } } }), 200)
  assert.deepEqual([body.plans[0].change, body.plans[0].version], ['offered_again', 1])
  assert.ok((await offered()).includes('team'))
})

test('withdrawn many times at once it is withdrawn once', async () => {
  const before = (await told()).length
  const replies = await inParallel(Array.from({ length: 6 }), 6, () => withdraw('next'))
  const done = replies.filter((reply) => expectStatus(reply, 200).body.plans.length === 1)
  assert.equal(done.length, 1)
  assert.equal((await told()).length, before + 1)
})

test('a start with the same file does not offer it again, and another node hears of it', async (t) => {
  const other = await nodeOn(database, options)
  t.after(() => other.stop())
  const { data } = (await other.call('GET', '/api/plans', null)).body
  assert.ok(!data.some(({ plan }: { plan: string }) => plan === 'next'))
})

test('a plan that never was is not found, and the last one on offer stays', async () => {
  for (const plan of ['never', '__proto__', 'constructor', 'Team', '%00', 'x'.repeat(64)]) {
    const { status } = await withdraw(plan)
    assert.ok(status === 404 || status === 400, `${plan}: ${status}`)
  }
  assertProblem(await withdraw('never'), 'not_found')
  assertProblem(await withdraw('never', '?dry_run=true'), 'not_found')
  assertProblem(await withdraw('team', '?dry_run=yes'), 'invalid_request', 'dry_run')
  const open = await offered()
  for (const plan of open.slice(1)) expectStatus(await withdraw(plan), 200)
  assertProblem(await withdraw(open[0]!), 'invalid_request', 'name')
  assertProblem(await withdraw(open[0]!, '?dry_run=true'), 'invalid_request', 'name')
  assert.deepEqual(await offered(), [open[0]])
})
