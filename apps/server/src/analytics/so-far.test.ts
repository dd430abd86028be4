import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { handClock, testNode } from '../../test/node.ts'
import { sendCalls } from '../../test/usage-example.ts'
import { readTenant } from '../access/store.ts'
import { accountAt } from '../ledger/readings.ts'
import { UsageMemory } from './readings/memory.ts'
import { UsageFolder } from './rollups/folder.ts'
import { estimatedOfLast, usageOfLast } from './so-far.ts'

const MINUTE_MS = 60_000
const MINUTES = 167
const clock = handClock('2025-01-10T00:00:00Z')
const node = await testNode({ clock })
const { pool, catalog } = node.server
after(() => node.stop())
const service = await node.service('s')

for (const timeZone of ['UTC', 'Asia/Kolkata', 'Asia/Kathmandu']) {
  test(`the last minutes, exactly and by hours of ${timeZone}`, async () => {
    const tenant = await node.tenant({ time_zone: timeZone })
    for (let minute = 0; minute < MINUTES; minute += 1) {
      const status = minute % 4 === 0 ? 'failure' : 'success'
      await sendCalls(node, service.key, tenant.id, [{ status, processing_time_ms: 10 }])
      clock.advance(MINUTE_MS)
    }
    const { tenant_no: tenantNo } = (await readTenant(pool, tenant.id))!
    const { account } = await accountAt(pool, catalog, tenantNo, clock.now())
    const now = clock.now()
    for (const folded of [false, true]) {
      if (folded) await new UsageFolder(pool).run()
      const memory = new UsageMemory()
      const source = { pool, memory, tenantNo, timeZone, seenSeq: account.lastSeq }
      for (const minutes of [1, 5, 30, 60, 77, 90]) {
        const exact = await usageOfLast(minutes * MINUTE_MS, source, now)
        assert.equal(exact.calls, minutes)
        assert.ok(Math.abs(exact.failed - minutes / 4) < 1)
        // Where calls come evenly, part of an hour has that part of its calls; the first hour was not full.
        const about = await estimatedOfLast(minutes * MINUTE_MS, source, now)
        const seen = `${minutes} minutes: ${JSON.stringify(about)}`
        assert.ok(Math.abs(about.calls - exact.calls) <= 1, seen)
        assert.ok(Math.abs(about.failed - exact.failed) <= 1, seen)
        assert.equal(about.timed, about.calls, seen)
        assert.ok(Math.abs(about.ms - 10 * exact.calls) <= 10, seen)
      }
    }
  })
}
