import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { catalogFile } from '../../test/api-catalog.ts'
import { expectStatus, testNode } from '../../test/node.ts'

const catalog = await catalogFile(`
catalog: 1
plans:
  few: { quota: { limit: 2, overage: deny }, rate_limits: [{ limit: 100, per: hour }] }
  slow: { rate_limits: [{ limit: 1, per: hour }] }
`)
const node = await testNode({ catalogFile: catalog.path })
after(async () => {
  await node.stop()
  await catalog.remove()
})

// One far behind everybody's time, and one far ahead of it.
for (const year of [2025, 2099]) {
  test(`what is limited on a test clock in ${year} resets by that clock, also in the headers`, async () => {
    const few = await node.tenant({ plan: 'few', test_clock: `${year}-01-15T12:00:00Z` })
    const call = ({ key }: { key: string }) =>
      node.call('POST', '/api/track', key, { endpoint: '/x' })
    const first = expectStatus(await call(few), 200)
    assert.equal(first.headers.get('ratelimit'), '"hour";r=99;t=3600')
    expectStatus(await call(few), 200)
    const over = expectStatus(await call(few), 429)
    assert.equal(over.body.reason, 'quota_exceeded')
    // From noon of the 15th to midnight of the next one.
    assert.equal(over.headers.get('retry-after'), String((31 * 24 - 12) * 3_600))

    const slow = await node.tenant({ plan: 'slow', test_clock: `${year}-01-15T12:00:00Z` })
    expectStatus(await call(slow), 200)
    const now = `${year}-01-15T12:20:00Z`
    expectStatus(await node.admin('POST', `/api/admin/tenants/${slow.id}/clock`, { now }), 200)
    const limited = expectStatus(await call(slow), 429)
    assert.equal(limited.headers.get('retry-after'), '2400')
    assert.equal(limited.headers.get('ratelimit'), '"hour";r=0;t=2400')
  })

  test(`a call on a test clock in ${year} may carry that clock's time, and not everybody's`, async () => {
    const { key } = await node.tenant({ plan: 'few', test_clock: `${year}-01-15T12:00:00Z` })
    const call = (timestamp: string) =>
      node.call('POST', '/api/track', key, { endpoint: '/x', timestamp })
    expectStatus(await call(`${year}-01-15T11:59:00Z`), 200)
    const { status, body } = await call(new Date(node.server.clock.now()).toISOString())
    assert.deepEqual([status, body.errors?.[0].field], [400, 'timestamp'])
  })
}
