import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { watched } from '../../test/api-contract.ts'
import { expectStatus, handClock, testNode } from '../../test/node.ts'

const NOON = '2026-03-10T12:00:00Z'
const clock = handClock(NOON)
const node = watched(await testNode({ clock }))
after(() => node.stop())

const calls = (key: string, count: number, more: object = {}) =>
  node.call(
    'POST',
    '/api/track',
    key,
    Array.from({ length: count }, () => ({ endpoint: '/x', ...more })),
  )
const bill = async (key: string) =>
  expectStatus(await node.call('GET', '/api/billing/current', key), 200).body

test('pro: 250 calls cost 25.00', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'pro' })
  await calls(key, 250)
  const { period, ...rest } = await bill(key)
  assert.deepEqual(rest, {
    plan: 'pro',
    currency: 'USD',
    lines: [
      { description: 'Calls', meter: 'units', quantity: 250, unit_price: '0.10', amount: '25.00' },
    ],
    subtotal: '25.00',
    total: '25.00',
  })
  assert.deepEqual(period, {
    start: '2026-03-10T00:00:00Z',
    end: '2026-04-09T23:59:59Z',
    timezone: 'UTC',
  })
})

test('failed, denied and replayed calls cost nothing', async () => {
  clock.set(NOON)
  const { id, key } = await node.tenant({ plan: 'pro' })
  await calls(key, 10, { idempotency_key: 'one' })
  await calls(key, 5, { status: 'failure' })
  await node.admin('PATCH', `/api/admin/tenants/${id}`, { status: 'suspended' })
  await calls(key, 5)
  assert.equal((await bill(key)).total, '0.10')
})

test('team: the base fee, and the units that are included', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'team' })
  await calls(key, 3)
  const { lines, total } = await bill(key)
  assert.equal(total, '10.00')
  assert.deepEqual(
    lines.map(({ quantity, amount }: { quantity: number; amount: string }) => [quantity, amount]),
    [
      [1, '10.00'],
      [3, '0.00'],
    ],
  )
})

test('fractions of a unit are billed exactly and rounded once', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'pro' })
  await calls(key, 3, { quantity: 0.15 })
  assert.deepEqual((await bill(key)).lines[0].amount, '0.04', '0.045, half to even')
  await calls(key, 1, { quantity: 0.000001 })
  assert.deepEqual((await bill(key)).lines[0].amount, '0.05')
})

test('a new period begins with nothing to pay, though nobody did anything', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'pro' })
  await calls(key, 10)
  clock.set('2026-04-09T23:59:59.999Z')
  assert.equal((await bill(key)).total, '1.00')
  clock.set('2026-04-10T00:00:00Z')
  const { total, period } = await bill(key)
  assert.equal(total, '0.00')
  assert.equal(period.start, '2026-04-10T00:00:00Z')
})

test('the summary says what the bill says', async () => {
  clock.set(NOON)
  const { key } = await node.tenant({ plan: 'free' })
  await calls(key, 40, { file_size_bytes: 3 * 1_048_576 })
  const { body } = await node.call('GET', '/api/usage/summary', key)
  assert.deepEqual(body.usage, {
    conversions: { used: 40, limit: 100, percentage: 40, remaining: 60 },
    storage: { bytes_processed: 125_829_120, mb_processed: 120, largest_file_mb: 3 },
  })
  assert.deepEqual(body.current_rate, {
    daily_average: 40,
    projected_monthly: 1_200,
    days_until_limit: 1,
  })
  assert.equal((await bill(key)).total, '0.00')
})
