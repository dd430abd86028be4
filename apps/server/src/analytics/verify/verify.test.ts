import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testNode } from '../../../test/node.ts'
import { exampleJanuary, sendCalls } from '../../../test/usage-example.ts'
import { differencesOfRollups } from '../../../test/usage-model.ts'
import { placeTenants, UsageFolder } from '../rollups/folder.ts'
import { rebuildRollups } from '../rollups/rebuild.ts'
import { verifyRollups } from './verify.ts'

const node = await testNode()
const { pool } = node.server
after(() => node.stop())
const service = await node.service('s')
const zones = { time_zone: 'Asia/Kolkata', test_clock: '2025-01-31T12:00:00Z', plan: 'enterprise' }
const tenant = await node.tenant(zones)
const calls = exampleJanuary().filter((_, index) => index % 7 === 0)
await sendCalls(node, service.key, tenant.id, calls)
const endpoints = Array.from({ length: 260 }, (_, index) => ({ endpoint: `/notes/${index}` }))
await sendCalls(node, service.key, tenant.id, endpoints)
const { body } = await node.call('GET', '/api/entries?limit=20', tenant.key)
for (const { event_id } of body.data) {
  await node.call('POST', `/api/events/${event_id}/void`, service.key, { reason: 'test' })
}
await placeTenants(pool)
await foldAll()

async function foldAll(): Promise<void> {
  for (;;) {
    await new UsageFolder(pool, 100).run()
    const { rows } = await pool.query(
      `SELECT FROM account JOIN usage_position USING (tenant_no) WHERE last_seq > folded_seq`,
    )
    if (rows.length === 0) return
  }
}

test('rollups are what their log makes of them, whatever was voided or is beyond a bound', async () => {
  const { rows, differences } = await verifyRollups(pool)
  assert.ok(rows > 1_000)
  assert.deepEqual(differences, [])
})

const CORRUPTIONS = {
  'a count': 'UPDATE usage_hour SET calls = calls + 1 WHERE dimension = 0',
  'a sum': 'UPDATE usage_hour SET bytes = bytes - 1 WHERE dimension = 6',
  'a row that is gone': "DELETE FROM usage_hour WHERE dimension = 7 AND value = 'html'",
  'a row too many': `INSERT INTO usage_hour SELECT tenant_no, generation, dimension, hour, 'x', 1, 0, 0, 0,
    0, 0, 0, 0, 0, NULL, NULL FROM usage_hour WHERE dimension = 0`,
  'a bucket': 'UPDATE usage_histogram SET calls[1] = calls[1] + 1 WHERE metric = 1',
  'a counter that is gone': "DELETE FROM usage_counter WHERE file_type = 'pdf'",
  'a counter that lost calls': 'UPDATE usage_counter SET calls = calls - 1',
}

for (const [what, statement] of Object.entries(CORRUPTIONS)) {
  test(`${what} that differs is found, and rebuilding mends it`, async () => {
    await pool.query(statement)
    const differences = await differencesOfRollups(pool)
    assert.ok(differences.length > 0)
    assert.ok(differences.length <= 21)
    const seen: unknown[] = []
    const read = async () => {
      const reply = await node.call('GET', '/api/usage/summary', tenant.key)
      seen.push(reply.status)
    }
    await Promise.all([rebuildRollups(pool, () => void read()), read()])
    assert.deepEqual(await differencesOfRollups(pool), [])
    const { rows } = await pool.query('SELECT DISTINCT generation FROM usage_hour')
    assert.equal(rows.length, 1, 'the rollups before are gone')
    assert.ok(seen.every((status) => status === 200))
  })
}

const MIDNIGHTS = {
  'clocks are set back at midnight': ['America/Havana', '2025-11-02T05:00:00Z'],
  'clocks are set back to midnight': ['Atlantic/Azores', '2025-10-26T01:00:00Z'],
  'a day has no midnight': ['America/Havana', '2025-03-09T05:00:00Z'],
  'clocks are set by half an hour': ['Australia/Lord_Howe', '2025-10-04T15:30:00Z'],
  // One of server and PostgreSQL may not have heard of it yet.
  'clocks lately were changed otherwise than announced': [
    'America/Edmonton',
    '2026-11-20T06:00:00Z',
  ],
} as const

for (const [what, [time_zone, instant]] of Object.entries(MIDNIGHTS)) {
  test(`rollups are what their log makes of them where ${what}`, async () => {
    const change = Date.parse(instant)
    const test_clock = new Date(change + 86_400_000).toISOString()
    const { id } = await node.tenant({ plan: 'enterprise', time_zone, test_clock })
    const calls = Array.from({ length: 24 }, (_, index) => {
      return { timestamp: new Date(change + (index - 12) * 900_000).toISOString() }
    })
    await sendCalls(node, service.key, id, calls)
    await placeTenants(pool)
    await foldAll()
    assert.deepEqual(await differencesOfRollups(pool), [])
  })
}
