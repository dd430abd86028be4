import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asked,
  done,
  given,
  micros,
  NOW,
  newAccount,
  OPENED_AT,
} from '../../test/ledger-accounts.ts'
import { testPlan } from '../../test/ledger-plans.ts'
import { OPEN_GRANTS_MAX, VOID_GRANT_PRIORITY } from '../limits.ts'
import { changeFrom } from './command-from-entry.ts'
import type { Account, AccountChange, Command, Entry } from './types.ts'
import { voidedCall } from './void-verb.ts'

const DAY_MS = 86_400_000

const voidOf = (entry: Entry): Command => ({
  kind: 'void',
  voided: voidedCall({ ...entry, senderNo: null }),
  reason: 'was wrong',
})
const change = (what: AccountChange): Command => ({ kind: 'change', change: what })
const switchTo = (plan: Parameters<typeof testPlan>[0]) =>
  change({ planVersionNo: testPlan(plan).planVersionNo })

function rich(): Account {
  return given(newAccount('prepaid'), 10)
}

test('a void gives back credits, quota, bytes and failures, and leaves the line as it is', () => {
  const account = given(newAccount('tight'), 10)
  const call = done(account, asked('call', 3, { fileSizeBytes: 500, failed: true }))
  const { account: after, entry } = done(call.account, voidOf(call.entry))
  assert.deepEqual([entry.credits, entry.remaining, entry.used], [micros(3), micros(10), 0n])
  assert.deepEqual(entry.detail, { voided_seq: call.entry.seq, reason: 'was wrong' })
  const { recorded, denied, failed, bytes, largestBytes, creditsBurned } = after.counters
  assert.deepEqual([recorded, denied, failed, bytes, creditsBurned], [1, 0, 0, 0, 0n])
  assert.equal(largestBytes, 500)
})

test('what a void gives back burns first and does not expire', () => {
  const account = given(newAccount('prepaid'), 10, {
    priority: VOID_GRANT_PRIORITY + 1,
    expiresAt: NOW + DAY_MS,
  })
  const call = done(account, asked('call', 3))
  const voided = done(call.account, voidOf(call.entry)).account
  assert.deepEqual(
    voided.grants.map(({ remaining, priority, expiresAt }) => [remaining, priority, expiresAt]),
    [
      [micros(3), VOID_GRANT_PRIORITY, null],
      [micros(7), VOID_GRANT_PRIORITY + 1, NOW + DAY_MS],
    ],
  )
})

test('however many calls are voided, what they give back is one open grant', () => {
  let account = given(newAccount('prepaid'), 1_000)
  const calls: Entry[] = []
  for (let count = 0; count < OPEN_GRANTS_MAX + 100; count += 1) {
    const call = done(account, asked('call'))
    calls.push(call.entry)
    account = call.account
  }
  for (const entry of calls) account = done(account, voidOf(entry)).account
  assert.equal(account.grants.length, 2)
  assert.deepEqual([account.balance, account.counters.used], [micros(1_000), 0n])
})

test('a call is voided also while as many grants are open as may be', () => {
  let account = newAccount('prepaid')
  for (let count = 0; count < OPEN_GRANTS_MAX; count += 1) account = given(account, 2)
  const call = done(account, asked('call', 1))
  assert.equal(done(call.account, voidOf(call.entry)).entry.credits, micros(1))
})

test('the void of a report beyond quota and credits takes its overage back, too', () => {
  const account = given(newAccount('soft'), 2)
  const report = done(account, asked('report', 5, { quantity: micros(7.25) }))
  const { overage, creditsOverage } = report.account.counters
  assert.deepEqual([overage, creditsOverage], [micros(2.25), micros(3)])
  const { account: after, entry } = done(report.account, voidOf(report.entry))
  // Only what was taken comes back: what was never paid is not given.
  assert.deepEqual([entry.credits, after.balance], [micros(2), micros(2)])
  const { counters } = after
  assert.deepEqual(
    [counters.used, counters.overage, counters.creditsBurned, counters.creditsOverage],
    [0n, 0n, 0n, 0n],
  )
})

test('the void of a call of an earlier period gives credits back, and nothing of this one', () => {
  const call = done(rich(), asked('call', 3))
  const later = call.account.period.end
  const own = done(call.account, asked('call', 1, { fileSizeBytes: 9 }), later)
  const { account, entry } = done(own.account, voidOf(call.entry), later)
  assert.deepEqual([entry.credits, entry.remaining, entry.used], [micros(3), micros(9), micros(1)])
  assert.deepEqual(account.counters, own.account.counters)
})

test('the void is the first line of a new period, and the call it voids was of the old one', () => {
  const call = done(rich(), asked('call', 3))
  const { account } = done(call.account, voidOf(call.entry), call.account.period.end)
  assert.equal(account.counters.used, 0n)
  assert.equal(account.counters.creditsBurned, 0n)
})

test('a call of the first moment of a period is a call of that period', () => {
  const account = rich()
  const call = done(account, asked('call', 3), account.period.end)
  assert.equal(call.account.counters.used, micros(1))
  const { counters } = done(call.account, voidOf(call.entry), account.period.end).account
  assert.deepEqual([counters.used, counters.creditsBurned], [0n, 0n])
})

test('the void of a call that did not count gives nothing back', () => {
  const call = done(rich(), asked('call', 3, { failed: true }))
  const { account, entry } = done(call.account, voidOf(call.entry))
  assert.deepEqual([entry.credits, entry.used, account.counters.failed], [0n, 0n, 0])
  assert.equal(account.grants.length, 1)
})

test('a void opens no place in a rate window: the call was made', () => {
  const call = done(newAccount('hard'), asked('call'))
  const { account } = done(call.account, voidOf(call.entry))
  assert.deepEqual(account.windows, call.account.windows)
})

test('only calls that were allowed or reported can be voided', () => {
  const notVoidable = { code: 'not_voidable' }
  const denied = done(newAccount('prepaid'), asked('call')).entry
  const settled = done(rich(), change({ region: 'eu' })).entry
  for (const entry of [denied, settled]) {
    assert.throws(() => voidedCall({ ...entry, senderNo: null }), notVoidable)
  }
})

test('another plan holds from the next call on, with fresh rate windows and the quota used so far', () => {
  let account = newAccount('open')
  for (let count = 0; count < 7; count += 1) account = done(account, asked('call')).account
  account = done(account, switchTo('hard')).account
  assert.deepEqual([account.windows, account.counters.used], [[], micros(7)])
  const eighth = done(account, asked('call'))
  assert.equal(eighth.entry.reason, null)
  assert.equal(done(eighth.account, asked('call')).entry.reason, 'quota_exceeded')
})

test('a plan change in the middle of a full window does not carry the window over', () => {
  let account = given(newAccount('tight'), 10)
  account = done(account, asked('call')).account
  account = done(account, asked('call')).account
  assert.equal(done(account, asked('call')).entry.reason, 'rate_limited')
  account = done(account, switchTo('soft')).account
  assert.equal(done(account, asked('call')).entry.reason, null)
})

test('a change to the plan that the tenant is on leaves the windows open', () => {
  let account = given(newAccount('tight'), 10)
  account = done(account, asked('call')).account
  const { windows } = account
  account = done(
    account,
    change({ planVersionNo: account.planVersionNo, status: 'active' }),
  ).account
  assert.deepEqual(account.windows, windows)
})

test('a tenant that was suspended and is active again goes on where it was', () => {
  const called = done(rich(), asked('call')).account
  const suspended = done(called, change({ status: 'suspended' })).account
  assert.equal(done(suspended, asked('call')).entry.reason, 'tenant_suspended')
  const active = done(suspended, change({ status: 'active' })).account
  const { lastSeq, lastAt, ...same } = active
  const { lastSeq: _seq, lastAt: _at, ...before } = called
  assert.deepEqual(same, before)
})

test('a change of zone leaves the running period, and the next one ends in the new zone', () => {
  const account = newAccount('open')
  assert.deepEqual(shown(account.period), ['2026-01-30T00:00:00Z', '2026-02-28T00:00:00Z'])
  const called = done(account, asked('call')).account
  const { account: moved, entry } = done(called, change({ timeZone: 'America/New_York' }))
  assert.deepEqual(entry.detail, { time_zone: 'America/New_York', zone_from: 'next_period' })
  assert.deepEqual(moved.period, account.period)
  assert.equal(moved.counters.used, micros(1))
  const next = done(moved, asked('call'), moved.period.end).account
  assert.deepEqual(shown(next.period), ['2026-02-28T00:00:00Z', '2026-03-30T04:00:00Z'])
})

test('a change of zone right after a period began makes no period of a few hours', () => {
  const march = done(newAccount('open'), asked('call'), Date.parse('2026-02-28T00:00:00Z')).account
  // There it is still the 27th, and the month that began on the 30th has five hours left.
  const moved = done(march, change({ timeZone: 'America/New_York' }), march.lastAt + 1).account
  assert.deepEqual(shown(moved.period), ['2026-02-28T00:00:00Z', '2026-03-30T00:00:00Z'])
  const april = done(moved, asked('call'), moved.period.end).account
  assert.deepEqual(shown(april.period), ['2026-03-30T00:00:00Z', '2026-04-30T04:00:00Z'])
})

test('a line from when another zone moved the end of the running period still does', () => {
  const called = done(newAccount('open'), asked('call')).account
  const old = changeFrom({ time_zone: 'America/New_York' })
  const { account: moved, entry } = done(called, change(old))
  assert.deepEqual(entry.detail, { time_zone: 'America/New_York' })
  assert.deepEqual(shown(moved.period), ['2026-01-30T00:00:00Z', '2026-02-28T05:00:00Z'])
  const next = done(moved, asked('call'), moved.period.end).account
  assert.deepEqual(shown(next.period), ['2026-02-28T05:00:00Z', '2026-03-30T04:00:00Z'])
})

test('a change of zone over midnight can move the day on which periods begin', () => {
  // 21:17 UTC on the 30th is the 31st in Auckland.
  const moved = done(newAccount('open'), change({ timeZone: 'Pacific/Auckland' }), OPENED_AT)
  const { period } = moved.account
  assert.deepEqual(shown(period), ['2026-01-30T00:00:00Z', '2026-02-28T00:00:00Z'])
  const march = done(moved.account, asked('call'), Date.parse('2026-04-01T00:00:00Z')).account
  assert.deepEqual(shown(march.period), ['2026-03-30T11:00:00Z', '2026-04-29T12:00:00Z'])
})

test('a change says in its line what was changed, and nothing else', () => {
  const { entry, account } = done(newAccount('open'), change({ region: null, status: 'active' }))
  assert.deepEqual(entry.detail, { status: 'active', region: null })
  assert.deepEqual(done(account, change({ region: 'eu' })).account.region, 'eu')
})

function shown({ start, end }: { start: number; end: number }): string[] {
  return [start, end].map((at) => new Date(at).toISOString().replace('.000Z', 'Z'))
}
