import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { alertLines, setAlerts, watchOn } from '../../test/alert-watch.ts'
import { catalogFile } from '../../test/api-catalog.ts'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { expectStatus, handClock, nodeOn } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { inTransaction } from '../db/pool.ts'
import { holdRule, limitHolding } from './store.ts'

const CATALOG = `
catalog: 1
plans:
  small: { quota: { limit: 10, overage: charge }, features: &all { alerts: true } }
  large: { quota: { limit: 20, overage: charge }, features: *all }
`
const catalog = await catalogFile(CATALOG)
const database = await testDatabase()
const clock = handClock('2025-01-10T12:00:00Z')
const node = await nodeOn(database, { catalogFile: catalog.path, clock })
const { pool } = node.server
after(async () => {
  await node.stop()
  await database.drop()
  await catalog.remove()
})
const service = await node.service('s')

const RULES = [
  { type: 'daily_limit', threshold: 5 },
  { type: 'error_rate', threshold: 5 },
  { type: 'quota_threshold', threshold: 50 },
].map((rule) => ({ ...rule, notify_email: false }))

const told = async (id: string) =>
  (await alertLines(node, id)).map(({ detail: { alert_id } }) => alert_id)

/** SQL about one tenant: `$1` is its number. */
const about = (id: string, statement: string) =>
  pool.query(statement.replace('$1', '(SELECT tenant_no FROM tenant WHERE tenant_id = $1)'), [id])

/** Looks at everything; what fails is told and not thrown. */
async function look(): Promise<unknown[]> {
  const errors: unknown[] = []
  await watchOn(node, (error) => errors.push(error)).run()
  return errors
}

test('a rule that cannot be looked at keeps no other of its tenant from it, and is looked at again', async () => {
  const { id } = await node.tenant({ plan: 'small' })
  await setAlerts(node, id, ...RULES)
  await about(
    id,
    `UPDATE alert_rule SET threshold = 'NaN' WHERE tenant_no = $1 AND type = 'error_rate'`,
  )
  await sendCalls(node, service.key, id, [...Array(5).fill({}), { status: 'failure' }])
  assert.equal((await look()).length, 1)
  assert.deepEqual(await told(id), ['alert_daily_5', 'alert_quota_50'])
  await about(
    id,
    `UPDATE alert_rule SET threshold = 5 WHERE tenant_no = $1 AND type = 'error_rate'`,
  )
  assert.deepEqual(await look(), [])
  assert.deepEqual((await told(id)).slice(2), ['alert_errors_5_60m'])
})

test('a tenant whose account cannot be read keeps no other from being told', async (t) => {
  const tenants = [
    await node.tenant({ plan: 'small' }),
    await node.tenant({ plan: 'small' }),
    await node.tenant({ plan: 'small' }),
  ] as const
  for (const { id } of tenants) {
    await setAlerts(node, id, RULES[0]!)
    await sendCalls(node, service.key, id, Array(5).fill({ status: 'failure' }))
  }
  const [first, broken, last] = tenants
  const { rows } = await about(broken.id, 'SELECT state FROM account WHERE tenant_no = $1')
  const setState = (state: unknown) =>
    pool.query(
      'UPDATE account SET state = $2 WHERE tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $1)',
      [broken.id, JSON.stringify(state)],
    )
  t.after(() => setState(rows[0].state))
  await setState([])
  assert.equal((await look()).length, 1)
  for (const { id } of [first, last]) assert.deepEqual(await told(id), ['alert_daily_5'])
  await setState(rows[0].state)
  assert.deepEqual(await look(), [])
  assert.deepEqual(await told(broken.id), ['alert_daily_5'])
})

for (const [what, statement] of [
  ['ended', 'DELETE FROM alert_rule WHERE tenant_no = $1'],
  ['disabled', 'UPDATE alert_rule SET enabled = false WHERE tenant_no = $1'],
] as const) {
  test(`an alert that is ${what} while somebody looks is told no more`, async () => {
    const { id } = await node.tenant({ plan: 'small' })
    await setAlerts(node, id, RULES[0]!)
    const { looking } = await inTransaction(pool, async (db) => {
      const ofTenant = '(SELECT tenant_no FROM tenant WHERE tenant_id = $1)'
      // Before there is anything to be told, for the node looks by itself as well.
      await db.query(`SELECT FROM alert_rule WHERE tenant_no = ${ofTenant} FOR UPDATE`, [id])
      await sendCalls(node, service.key, id, Array(5).fill({}))
      const looking = look()
      await until('the watch to wait for this transaction', async () => {
        const waiting = await pool.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        )
        return waiting.rowCount !== 0
      })
      await db.query(statement.replace('$1', ofTenant), [id])
      return { looking }
    })
    assert.deepEqual(await looking, [])
    assert.deepEqual(await told(id), [])
    await setAlerts(node, id, RULES[0]!)
    await look()
    assert.deepEqual(await told(id), ['alert_daily_5'], 'set again it is told')
  })
}

test('of a quota that is back nothing is told, and nothing is asked of the log again', async () => {
  const { id } = await node.tenant({ plan: 'small' })
  await setAlerts(node, id, RULES[2]!)
  const move = async (plan: string) => {
    expectStatus(await node.admin('PATCH', `/api/admin/tenants/${id}`, { plan }), 200)
    await look()
  }
  await sendCalls(node, service.key, id, Array(15).fill({}))
  await look()
  clock.advance(60_000)
  await move('large')
  const raised = () =>
    about(id, 'SELECT raised_for, raised_seq, raised_at FROM alert_rule WHERE tenant_no = $1')
  const before = (await raised()).rows[0]
  clock.advance(60_000)
  await move('small')
  const { raised_for, ...rest } = (await raised()).rows[0]
  assert.equal((await told(id)).length, 2)
  assert.match(raised_for, / 10000000$/, 'this quota is the one that was told')
  assert.deepEqual({ raised_for: before.raised_for, ...rest }, before, 'the last time is the same')
})

test('a node that is cut off while it raises an alert lets go of it by itself, and others tell it', async (t) => {
  const { id } = await node.tenant({ plan: 'small' })
  await setAlerts(node, id, RULES[0]!)
  const client = await pool.connect()
  t.after(() => client.release(true))
  client.on('error', () => undefined)
  const { rows } = await about(
    id,
    'SELECT tenant_no, created_at FROM alert_rule WHERE tenant_no = $1',
  )
  const [{ tenant_no: tenantNo, created_at: createdAt }] = rows
  await client.query('BEGIN')
  await limitHolding(client, 1)
  assert.ok(await holdRule(client, { tenantNo, alertId: 'alert_daily_5', createdAt }))
  await sendCalls(node, service.key, id, Array(5).fill({}))
  assert.deepEqual(await look(), [])
  assert.deepEqual(await told(id), ['alert_daily_5'])
})
