import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asked, done, newAccount, NOW, refusal } from '../../test/ledger-accounts.ts'
import { testPlan, testPlanVersion } from '../../test/ledger-plans.ts'
import { openAccount } from './account.ts'
import { decodeAccountState, encodeAccountState } from './account-state.ts'
import { decide } from './decide.ts'
import { rollTo } from './lapse.ts'
import { planVersionAt, subscriptionStatus } from './subscription.ts'
import type { Account, AccountChange, Command } from './types.ts'

const change = (of: AccountChange): Command => ({ kind: 'change', change: of })
const changed = (account: Account, of: AccountChange, now = NOW) =>
  done(account, change(of), now).account

/** As a lane asks: with the plan that holds at that time. */
function decided(account: Account, command: Command, now: number) {
  const outcome = decide(account, command, testPlanVersion(planVersionAt(account, now)), now)
  assert.equal(outcome.refusal, null)
  return { account: outcome.account, entry: outcome.entries.at(-1)! }
}

const prepaid = testPlan('prepaid').planVersionNo
const hard = testPlan('hard').planVersionNo

test('a plan for later begins with the next period, to the millisecond, with its limits', () => {
  const account = changed(newAccount('open'), { pending: { planVersionNo: prepaid } })
  const { end } = account.period
  assert.equal(planVersionAt(account, end - 1), account.planVersionNo)
  assert.equal(planVersionAt(account, end), prepaid)
  assert.equal(decided(account, asked('call', 5), end - 1).entry.reason, null)
  const { entry, account: after } = decided(account, asked('call', 5), end)
  assert.equal(entry.reason, 'insufficient_credits')
  assert.deepEqual([after.planVersionNo, after.pending], [prepaid, null])
})

test('an end for later denies from the next period on, and takes no fee any more', () => {
  const account = changed(newAccount('open'), { pending: { planVersionNo: null } })
  const { end } = account.period
  assert.equal(decided(account, asked('call'), end - 1).entry.reason, null)
  const { entry, account: after } = decided(account, asked('call'), end)
  assert.equal(entry.reason, 'subscription_inactive')
  assert.equal(subscriptionStatus(after, end), 'canceled')
})

test('a trial that begins with a period lasts from its start, however late somebody looks, and only once', () => {
  const open = newAccount('open')
  const later = { pending: { planVersionNo: prepaid, trialDays: 40 } }
  const account = changed(open, later)
  const end = account.period.end + 40 * 86_400_000
  for (const days of [0, 3, 100]) {
    const after = rollTo(account, { allowance: null }, account.period.end + days * 86_400_000)
    assert.deepEqual([after.planVersionNo, after.trialEnd], [prepaid, end])
  }
  const had = changed({ ...open, trialEnd: open.period.start }, later)
  assert.equal(rollTo(had, { allowance: null }, had.period.end).trialEnd, open.period.start)
  assert.deepEqual(
    decodeAccountState(1, account.lastSeq, JSON.parse(encodeAccountState(account))),
    {
      ...account,
      tenantNo: 1,
    },
  )
})

test('what is pending can be taken back, and a plan that begins now takes its place', () => {
  const account = changed(newAccount('open'), { pending: { planVersionNo: null } })
  assert.equal(changed(account, { pending: null }).pending, null)
  assert.equal(changed(account, { planVersionNo: hard }).pending, null)
  assert.equal(refusal(newAccount('open'), change({ pending: null })), 'nothing_pending')
})

test('paused: calls are denied, reports are still recorded; resumed: they are allowed again', () => {
  const paused = changed(newAccount('open'), { subscription: 'paused' })
  assert.equal(done(paused, asked('call')).entry.reason, 'subscription_inactive')
  assert.equal(done(paused, asked('report')).entry.reason, null)
  assert.equal(refusal(paused, change({ subscription: 'paused' })), 'subscription_not_active')
  const resumed = changed(paused, { subscription: 'active' })
  assert.equal(done(resumed, asked('call')).entry.reason, null)
  assert.equal(refusal(resumed, change({ subscription: 'active' })), 'subscription_not_paused')
})

test('a period that begins while paused brings no allowance; resuming does', () => {
  const used = done(newAccount('monthly'), asked('call', 1)).account
  const paused = changed(used, { subscription: 'paused' })
  const later = paused.period.end + 1
  assert.equal(rollTo(paused, testPlan('monthly'), later).balance, 0n)
  const resumed = changed(paused, { subscription: 'active' }, later)
  assert.equal(rollTo(resumed, testPlan('monthly'), later + 1).balance, 10_000_000n)
})

test('canceled is the end until somebody subscribes again', () => {
  const canceled = changed(newAccount('open'), { subscription: 'canceled' })
  assert.equal(
    refusal(canceled, change({ pending: { planVersionNo: hard } })),
    'subscription_not_active',
  )
  assert.equal(refusal(canceled, change({ subscription: 'canceled' })), 'subscription_not_active')
  const again = changed(canceled, { subscription: 'active', planVersionNo: hard })
  assert.deepEqual([again.subscription, again.planVersionNo], ['active', hard])
})

test('a trial is told as such until its last millisecond', () => {
  const { planVersionNo } = testPlan('open')
  const account = openAccount({
    tenantNo: 7,
    planVersionNo,
    timeZone: 'UTC',
    region: null,
    trialDays: 14,
    now: NOW,
  })
  const end = NOW + 14 * 86_400_000
  assert.equal(subscriptionStatus(account, end - 1), 'trialing')
  assert.equal(subscriptionStatus(account, end), 'active')
  assert.equal(subscriptionStatus({ ...account, status: 'suspended' }, NOW), 'suspended')
})

test('a test clock stands still until it is moved, only forward, and all times are its', () => {
  const { planVersionNo } = testPlan('monthly')
  const start = Date.parse('2025-01-31T10:00:00Z')
  const opening = { tenantNo: 7, planVersionNo, timeZone: 'UTC', region: null, now: NOW }
  const account = openAccount({ ...opening, testClock: start })
  assert.equal(account.anchor, start)
  const called = done(account, asked('call', 1))
  assert.equal(called.entry.recordedAt, start)
  const later = Date.parse('2025-02-28T00:00:00Z')
  assert.equal(refusal(called.account, change({ testClock: start - 1 })), 'clock_goes_back')
  assert.equal(refusal(newAccount('open'), change({ testClock: later })), 'no_test_clock')
  const moved = done(called.account, change({ testClock: later }))
  assert.deepEqual(
    moved.entries.map(({ kind, recordedAt, credits }) => [kind, recordedAt, credits]),
    [
      ['expiry', later, -9_000_000n],
      ['allowance', later, 10_000_000n],
      ['change', later, 0n],
    ],
  )
  assert.equal(moved.account.period.start, later)
  assert.equal(moved.account.period.end, Date.parse('2025-03-31T00:00:00Z'))
})
