import assert from 'node:assert/strict'
import { test } from 'node:test'
import { amounts, subscribersNode } from '../../../test/subscribers.ts'

const { subscriber, ask, moveTo, invoices, upcoming, calls } = await subscribersNode()

type Change = { plan: string; when?: string }

/** Previews, changes, lets the period end: the invoice is what the preview said. */
async function changed(
  tenant: Awaited<ReturnType<typeof subscriber>>,
  change: Change,
  periodEnd: string,
) {
  const preview = await ask(tenant, '/subscription/preview', change)
  assert.equal((await upcoming(tenant)).total, preview.upcoming_total_now)
  await ask(tenant, '/subscription', change)
  assert.equal((await upcoming(tenant)).total, preview.upcoming_total_then)
  await moveTo(tenant, periodEnd)
  const [invoice] = await invoices(tenant)
  assert.deepEqual(invoice.lines, preview.lines_then)
  assert.equal(invoice.total, preview.upcoming_total_then)
  return { preview, invoice }
}

test('an upgrade is credited and charged to the second, as its preview said', async () => {
  // A start on the 31st: from 31 January to 28 February are 28 days, 10 of them on small.
  const tenant = await subscriber('small', '2025-01-31T10:00:00Z')
  await moveTo(tenant, '2025-02-10T00:00:00Z')
  const { preview, invoice } = await changed(tenant, { plan: 'big' }, '2025-02-28T00:00:00Z')
  // 10 × 10 ÷ 28 = 3.571…; 25 × 10 ÷ 28 = 8.928… is what is not owed of 25.
  assert.deepEqual(amounts(invoice).slice(0, 2), [
    ['Base fee, plan small', '3.57'],
    ['Base fee, plan big', '16.07'],
  ])
  assert.equal(invoice.total, '19.64')
  assert.deepEqual(preview.credit, { plan: 'small', amount: '-6.43' })
  assert.deepEqual(preview.charge, { plan: 'big', amount: '16.07' })
  assert.deepEqual(
    [preview.difference, preview.upcoming_total_now, preview.upcoming_total_then],
    ['9.64', '10.00', '19.64'],
  )
  assert.equal(preview.effective_at, '2025-02-10T00:00:00.000Z')
  assert.deepEqual(
    [preview.proration.left_ms, preview.proration.whole_ms],
    [18 * 86_400_000, 28 * 86_400_000],
  )
  // The day of the month is that of the start again: to 30 March.
  assert.deepEqual(
    [preview.next_period.start, preview.next_period.end, preview.next_period.total],
    ['2025-02-28T00:00:00Z', '2025-03-30T23:59:59Z', '25.00'],
  )
})

test('a downgrade in the February of a leap year gives back what is left of 29 days', async () => {
  const tenant = await subscriber('big', '2024-01-31T00:00:00Z')
  await moveTo(tenant, '2024-02-20T12:00:00Z')
  const { preview, invoice } = await changed(tenant, { plan: 'small' }, '2024-02-29T00:00:00Z')
  // 25 × 20.5 ÷ 29 = 17.672…; 10 less 10 × 20.5 ÷ 29 = 7.068…
  assert.equal(preview.credit.amount, '-7.33')
  assert.equal(preview.charge.amount, '2.93')
  assert.equal(invoice.total, '20.60')
})

test('a period with a change to summer time has an hour less', async () => {
  const tenant = await subscriber('small', '2025-03-15T12:00:00Z', { time_zone: 'Europe/Berlin' })
  // From midnight of the 15th, which is 23:00 UTC of the 14th: 362 of 743 hours.
  await moveTo(tenant, '2025-03-30T01:00:00Z')
  const { preview, invoice } = await changed(tenant, { plan: 'big' }, '2025-04-14T22:00:00Z')
  assert.equal(preview.proration.whole_ms, 743 * 3_600_000)
  // 10 × 362 ÷ 743 = 4.872…; 25 less 25 × 362 ÷ 743 = 12.180…
  assert.deepEqual([preview.credit.amount, preview.charge.amount], ['-5.13', '12.82'])
  assert.equal(invoice.total, '17.69')
})

test('one second of another plan is one second of its fee', async () => {
  const tenant = await subscriber('free', '2025-01-01T00:00:00Z')
  await moveTo(tenant, '2025-01-31T23:59:59Z')
  const { preview } = await changed(tenant, { plan: 'big' }, '2025-02-01T00:00:00Z')
  // 25 ÷ 2,678,400 seconds is nothing, and so is the plan that was free.
  assert.equal(preview.proration.left_ms, 1_000)
  assert.equal(preview.difference, '0.00')
})

test('there and back again in one period: the parts add up to the fee', async () => {
  const tenant = await subscriber('small', '2025-01-01T00:00:00Z')
  await moveTo(tenant, '2025-01-08T05:00:00Z')
  await ask(tenant, '/subscription', { plan: 'free' })
  await ask(tenant, '/subscription', { plan: 'small' })
  const { invoice } = await changed(tenant, { plan: 'free' }, '2025-02-01T00:00:00Z')
  // 10 × 7.208… ÷ 31: the same as if it had never been left.
  assert.equal(invoice.total, '2.33')
})

test('what was used beyond the part that is included is part of the credit for the old plan', async () => {
  const tenant = await subscriber('big', '2025-01-01T00:00:00Z')
  await calls(tenant, 5)
  await moveTo(tenant, '2025-01-07T04:48:00Z')
  // A fifth of the period: 2 of 10 units are included, so 3 of 5 are 1.50; of 25.00 are 5.00 left.
  const { preview, invoice } = await changed(tenant, { plan: 'free' }, '2025-02-01T00:00:00Z')
  assert.equal(preview.credit.amount, '-18.50')
  assert.equal(invoice.total, '6.50')
})

test('at the end of the period the running one stays as it is, and the next has the new fees', async () => {
  const tenant = await subscriber('big', '2025-01-01T00:00:00Z')
  const change = { plan: 'small', when: 'period_end' }
  const { preview, invoice } = await changed(tenant, change, '2025-02-01T00:00:00Z')
  assert.equal(preview.effective_at, '2025-02-01T00:00:00.000Z')
  assert.deepEqual([preview.difference, preview.proration.left_ms], ['0.00', 0])
  assert.deepEqual([preview.next_period.plan, preview.next_period.total], ['small', '10.00'])
  assert.equal(invoice.total, '25.00')
  await moveTo(tenant, '2025-03-01T00:00:00Z')
  const [february] = await invoices(tenant)
  assert.deepEqual(february.lines, preview.next_period.fees)
})

test('whoever cancels now has paid for the period, and is asked for no other', async () => {
  const tenant = await subscriber('small', '2025-01-01T00:00:00Z')
  await moveTo(tenant, '2025-01-11T00:00:00Z')
  await ask(tenant, '/subscription/cancel', { when: 'now' })
  assert.equal((await ask(tenant, '/subscription')).status, 'canceled')
  assert.deepEqual(await calls(tenant, 1), [403])
  await moveTo(tenant, '2025-04-01T00:00:00Z')
  const all = await invoices(tenant)
  assert.deepEqual(
    all.map(({ total }) => total),
    ['10.00'],
  )
})

test('a fee in arrears is asked for the time outside a pause', async () => {
  const tenant = await subscriber('arrears', '2025-04-01T00:00:00Z')
  await moveTo(tenant, '2025-04-11T00:00:00Z')
  await ask(tenant, '/subscription/pause', {})
  assert.deepEqual(await calls(tenant, 1), [403])
  await moveTo(tenant, '2025-04-21T00:00:00Z')
  await ask(tenant, '/subscription/resume', {})
  assert.deepEqual(await calls(tenant, 1), [200])
  await moveTo(tenant, '2025-05-01T00:00:00Z')
  const [invoice] = await invoices(tenant)
  // Twice 10 of 30 days.
  assert.deepEqual(amounts(invoice).slice(0, 2), [
    ['Fee', '10.00'],
    ['Fee', '10.00'],
  ])
  assert.equal(invoice.total, '20.00')
})

test('a trial is free, begins once, and what follows it is prorated', async () => {
  const tenant = await subscriber('free', '2025-02-01T00:00:00Z')
  await moveTo(tenant, '2025-02-01T12:00:00Z')
  const { preview, invoice } = await changed(tenant, { plan: 'try' }, '2025-03-01T00:00:00Z')
  assert.equal(preview.trial_end, '2025-02-15T12:00:00.000Z')
  // 13.5 of 28 days are left after it, of 28.00.
  assert.equal(invoice.total, '13.50')
  const again = await ask(tenant, '/subscription/preview', { plan: 'another' })
  assert.equal(again.trial_end, '2025-02-15T12:00:00.000Z')
  assert.equal(again.upcoming_total_then, '56.00')
})

test('who was canceled begins again with any plan, from that second on', async () => {
  const tenant = await subscriber('small', '2025-01-01T00:00:00Z')
  await ask(tenant, '/subscription/cancel', {})
  await moveTo(tenant, '2025-02-15T00:00:00Z')
  assert.equal((await ask(tenant, '/subscription')).status, 'canceled')
  const { preview, invoice } = await changed(tenant, { plan: 'small' }, '2025-03-01T00:00:00Z')
  // 14 of 28 days.
  assert.equal(invoice.total, '5.00')
  assert.equal(preview.upcoming_total_now, '0.00')
  assert.equal((await ask(tenant, '/subscription')).status, 'active')
})
