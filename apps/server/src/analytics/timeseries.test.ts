import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { send } from '../../test/api-request.ts'
import { signedIn } from '../../test/members.ts'
import { expectStatus, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { placeTenants, UsageFolder } from './rollups/folder.ts'

const node = await testNode()
after(() => node.stop())
const tenant = await node.tenant({ plan: 'enterprise' })
const owner = (await signedIn(node, 'owner', tenant.id)).accessToken

async function keyOf(team?: string): Promise<string> {
  const more = team === undefined ? {} : { team }
  const reply = await node.call('POST', '/api/keys', owner, { name: 'k', ...more })
  return expectStatus(reply, 201).body.key
}

async function track(key: string, calls: number): Promise<void> {
  for (let call = 0; call < calls; call += 1) {
    expectStatus(await node.call('POST', '/api/track', key, { endpoint: '/x' }), 200)
  }
}

async function totals(query: string): Promise<Record<string, number>> {
  const path = `/api/usage/timeseries?granularity=monthly&${query}`
  const { body } = expectStatus(await node.call('GET', path, tenant.key), 200)
  const series: { value: string | null; total: number }[] = body.series
  return Object.fromEntries(series.map(({ value, total }) => [String(value), total]))
}

test('calls by team are those of all its keys, and those of who has none are by themselves', async () => {
  const search = [await keyOf('search'), await keyOf('search')]
  await track(search[0]!, 2)
  await track(search[1]!, 3)
  await track(await keyOf('ops'), 4)
  await track(owner, 1)
  const expected = { search: 5, ops: 4, null: 1 }
  assert.deepEqual(await totals('group_by=team'), expected)
  await placeTenants(node.server.pool)
  await new UsageFolder(node.server.pool).run()
  assert.deepEqual(await totals('group_by=team'), expected)
  assert.deepEqual(await totals('group_by=team&values=ops,nobody'), { ops: 4 })
  assert.deepEqual(await totals('group_by=team&series=1'), { search: 5, '(other)': 5 })
  const teams = expectStatus(await node.call('GET', '/api/usage/teams', tenant.key), 200).body.data
  for (const { team, conversions } of teams) {
    assert.equal(conversions.total, expected[String(team) as keyof typeof expected])
  }
})

test('a tag of an answer by team holds until a further call', async () => {
  const path = '/api/usage/timeseries?group_by=team'
  const asked = { method: 'GET', path, headers: {} }
  const tag = (await send(node.url, tenant.key, asked)).headers.get('etag')!
  const again = { ...asked, headers: { 'if-none-match': tag } }
  assert.equal((await send(node.url, tenant.key, again)).status, 304)
  await track(tenant.key, 1)
  assert.equal((await send(node.url, tenant.key, again)).status, 200)
})

test('of more senders than are told apart the rest is other, and no team', async () => {
  const service = await node.service()
  const crowd = await node.tenant({ test_clock: '2025-03-01T00:00:00Z', plan: 'enterprise' })
  await sendCalls(node, service.key, crowd.id, [{}, {}])
  await placeTenants(node.server.pool)
  await new UsageFolder(node.server.pool).run()
  await node.server.pool.query(
    `UPDATE usage_hour SET value = '(other)' WHERE dimension IN (4, 104)
     AND tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $1)`,
    [crowd.id],
  )
  await sendCalls(node, service.key, crowd.id, [{}])
  const path = '/api/usage/timeseries?granularity=monthly&group_by=team'
  const { body } = expectStatus(await node.call('GET', path, crowd.key), 200)
  assert.deepEqual(
    body.series.map(({ value, total }: { value: string; total: number }) => [value, total]),
    [
      [null, 1],
      ['(other)', 2],
    ],
  )
})
