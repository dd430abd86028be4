import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { send } from '../../test/api-request.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'

const clock = handClock('2025-03-15T12:00:00Z')
const node = await testNode({ clock })
after(() => node.stop())
const tenant = await node.tenant({ plan: 'enterprise' })
const other = await node.tenant({ plan: 'enterprise' })

const READINGS = [
  'summary',
  'history',
  'current',
  'breakdown',
  'performance',
  'keys',
  'teams',
  'timeseries',
  'metrics',
  'forecast',
]

async function read(what: string, tag?: string, key = tenant.key) {
  const headers: Record<string, string> = tag === undefined ? {} : { 'if-none-match': tag }
  return send(node.url, key, { method: 'GET', path: `/api/usage/${what}`, headers })
}

async function call(): Promise<void> {
  expectStatus(await node.call('POST', '/api/track', tenant.key, { endpoint: '/x' }), 200)
}

for (const what of READINGS) {
  test(`${what}: what nothing has changed is not sent again, and one call changes it`, async () => {
    const first = expectStatus(await read(what), 200)
    const tag = first.headers.get('etag')!
    assert.match(tag, /^"[\w-]{27}"$/)
    assert.equal(first.headers.get('cache-control'), 'private, no-cache')
    const again = await read(what, tag)
    assert.equal(again.status, 304)
    assert.equal(again.body, '')
    assert.equal(again.headers.get('etag'), tag)
    for (const form of [`W/${tag}`, `"x", ${tag}`, '*']) {
      assert.equal((await read(what, form)).status, 304, form)
    }
    await call()
    const next = expectStatus(await read(what, tag), 200)
    assert.notEqual(next.headers.get('etag'), tag)
  })
}

test('a tag is good for its tenant and its question alone', async () => {
  const tag = (await read('history')).headers.get('etag')!
  assert.equal((await read('history?granularity=weekly', tag)).status, 200)
  assert.equal((await read('history', tag, other.key)).status, 200)
  assert.equal((await read('breakdown', tag)).status, 200)
})

test('time alone changes what depends on it', async () => {
  const tagOf = async (what: string) => (await read(what)).headers.get('etag')!
  const names = [
    'summary',
    'history',
    'current',
    'breakdown?period=2025-03',
    'performance?period=last_7_days',
    'forecast',
  ]
  const before = await Promise.all(names.map(tagOf))
  clock.advance(1_000)
  const second = await Promise.all(names.map((what, index) => read(what, before[index])))
  assert.deepEqual(
    second.map(({ status }) => status),
    [304, 304, 200, 304, 304, 304],
  )
  clock.advance(86_400_000)
  const day = await Promise.all(names.map((what, index) => read(what, before[index])))
  // Averages are over one day more, and the last seven days are others.
  assert.deepEqual(
    day.map(({ status }) => status),
    [200, 200, 200, 304, 200, 200],
  )
})

test('a trial that ends within a day is another summary at once', async () => {
  const plans = { tried: { trial_days: 10, price: { base: '5' } } }
  expectStatus(await node.admin('POST', '/api/admin/plans', { plans }), 200)
  const { key } = await node.tenant({ plan: 'tried' })
  clock.advance(10 * 86_400_000 - 1_000)
  const tried = expectStatus(await read('summary', undefined, key), 200)
  assert.equal(tried.body.subscription.status, 'trialing')
  clock.advance(1_000)
  const paid = expectStatus(await read('summary', tried.headers.get('etag')!, key), 200)
  assert.equal(paid.body.subscription.status, 'active')
})
