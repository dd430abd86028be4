import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../../test/api-catalog.ts'
import { assertProblem } from '../../../test/api-problem.ts'
import { expectStatus, testNode } from '../../../test/node.ts'
import { retainedTwins } from '../../../test/retained-twins.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { USAGE_LOG_LINES_MAX } from '../../limits.ts'
import { readUncountedLines } from './store.ts'

const file = await catalogFile(`
catalog: 1
usage_properties: [model]
plans: { short: { features: { granularity: second, retention_months: 0 } } }
`)
const node = await testNode({ catalogFile: file.path })
const { pool } = node.server
after(async () => {
  await node.stop()
  await file.remove()
})
const twins = await retainedTwins(node)

async function tenantWithCalls(calls: number) {
  const [tenant] = await twins.pair('short', '2024-01-01T00:00:00Z')
  const uncounted = (max: number) => readUncountedLines(pool, tenant.no, 'model', max)
  const lines = async () => {
    const { rows } = await pool.query('SELECT count(*) FROM entry WHERE tenant_no = $1', [
      tenant.no,
    ])
    return Number(rows[0].count)
  }
  const send = (count: number) =>
    sendCalls(node, twins.service.key, tenant.id, Array(count).fill({ properties: { model: 'a' } }))
  await send(calls)
  const expire = async (now: string) => {
    const path = `/api/admin/tenants/${tenant.id}`
    expectStatus(await node.admin('POST', `${path}/clock`, { now }), 200)
    await twins.fold()
    await pool.query('UPDATE billing_position SET open_from = $2 WHERE tenant_no = $1', [
      tenant.no,
      now,
    ])
    await twins.retain(tenant)
  }
  return { tenant, uncounted, lines, send, expire }
}

test('of a log that was cut the lines that are there are counted, and no others', async () => {
  const { tenant, uncounted, lines, send, expire } = await tenantWithCalls(20)
  assert.equal(await uncounted(100), await lines())
  await expire('2024-02-20T00:00:00Z')
  const cut = await lines()
  assert.ok(cut > 20, 'cut off, and still there')
  await pool.query(`UPDATE usage_position SET properties = '{}' WHERE tenant_no = $1`, [tenant.no])
  assert.equal(await uncounted(100), cut)
  await twins.retain(tenant)
  assert.equal(await lines(), cut - 20)
  assert.equal(await uncounted(100), cut - 20)
  await send(3)
  assert.equal(await uncounted(100), cut - 17)
  assert.equal(await lines(), cut - 17)
  assert.equal(await readUncountedLines(pool, 0, 'model', 100), null, 'nobody has none')
})

test('what was deleted long ago is no reason to refuse; what is there is', async () => {
  const { tenant, uncounted, lines, expire, send } = await tenantWithCalls(5)
  await expire('2024-02-20T00:00:00Z')
  await twins.retain(tenant)
  await send(2)
  const read = () =>
    node.call('GET', '/api/usage/timeseries?group_by=property&property=model', tenant.key)
  await pool.query(`UPDATE usage_position SET properties = '{}' WHERE tenant_no = $1`, [tenant.no])
  // As if there had been as many more, long ago.
  const more = [tenant.no, USAGE_LOG_LINES_MAX]
  await pool.query(
    `WITH cut AS (UPDATE log_cut SET seq = seq + $2 WHERE tenant_no = $1 RETURNING seq - $2 AS seq),
       moved AS (UPDATE entry SET seq = seq + $2 WHERE tenant_no = $1 AND seq > (SELECT seq FROM cut))
     UPDATE account SET last_seq = last_seq + $2 WHERE tenant_no = $1`,
    more,
  )
  assert.equal(await uncounted(100), await lines())
  const { series } = expectStatus(await read(), 200).body
  assert.deepEqual([series.length, series[0].value, series[0].total], [1, 'a', 2])
  await pool.query('UPDATE account SET last_seq = last_seq + $2 WHERE tenant_no = $1', more)
  assertProblem(await read(), 'not_yet_counted')
})
