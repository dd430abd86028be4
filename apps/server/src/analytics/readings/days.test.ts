import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testNode } from '../../../test/node.ts'
import { sendCalls } from '../../../test/usage-example.ts'
import { startOfDay } from '../calendar.ts'
import { placeTenants, UsageFolder } from '../rollups/folder.ts'
import { UsageMemory } from './memory.ts'
import { dailyReader } from './reader.ts'

const node = await testNode()
after(() => node.stop())
const service = await node.service('s')
const { pool } = node.server

function daysFrom(first: string, timeZone: string): number[] {
  return Array.from({ length: 8 }, (_, days) => {
    return startOfDay(Temporal.PlainDate.from(first).add({ days }), timeZone)
  })
}

test('days of zones are those of PostgreSQL, also where clocks change; others are found out', async () => {
  const memory = new UsageMemory()
  for (const [zone, first] of [
    ['UTC', '2025-01-01'],
    ['Europe/Berlin', '2025-03-27'],
    ['America/Havana', '2025-10-30'],
    ['America/Havana', '2025-03-05'],
    ['Atlantic/Azores', '2025-10-23'],
    ['Australia/Lord_Howe', '2025-10-01'],
    ['Asia/Kolkata', '2025-01-01'],
  ] as const) {
    const starts = daysFrom(first, zone)
    for (const time of ['first', 'second']) {
      assert.equal(await memory.agreesOnDays(pool, zone, starts), true, `${zone}, the ${time} time`)
    }
    if (zone === 'UTC') continue
    for (const hours of [-1, 1]) {
      const others = starts.map((start) => start + hours * 3_600_000)
      assert.equal(await memory.agreesOnDays(pool, zone, others), false, `${zone} ${hours}`)
    }
  }
})

test('a zone of which PostgreSQL has never heard has other days', async () => {
  assert.equal(await new UsageMemory().agreesOnDays(pool, 'America/Nowhere', [0]), false)
})

// Zones whose clocks lately were changed otherwise than had been announced: PostgreSQL may not know, or we.
for (const timeZone of ['America/Edmonton', 'Africa/Casablanca']) {
  test(`days of ${timeZone} have their own calls, also once they are folded`, async () => {
    const settings = { time_zone: timeZone, test_clock: '2026-11-30T00:00:00Z' }
    const { id } = await node.tenant({ plan: 'enterprise', ...settings })
    const starts = daysFrom('2026-11-20', timeZone)
    const times = Array.from({ length: 24 * 7 }, (_, hour) => starts[0]! + (hour + 0.5) * 3_600_000)
    const calls = times.map((at) => ({ timestamp: new Date(at).toISOString() }))
    await sendCalls(node, service.key, id, calls)
    await placeTenants(pool)
    await new UsageFolder(pool).run()
    const { rows } = await pool.query('SELECT tenant_no FROM tenant WHERE tenant_id = $1', [id])
    const of = { tenantNo: rows[0].tenant_no, timeZone, seenSeq: Number.MAX_SAFE_INTEGER }
    const reader = dailyReader({ pool, memory: new UsageMemory(), ...of }, starts)
    const found = (await reader.by(['total'])).toSorted((a, b) => a.place - b.place)
    assert.deepEqual(
      found.map((total) => total.calls),
      Array(7).fill(24),
    )
  })
}
