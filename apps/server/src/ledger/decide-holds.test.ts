import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asked, done, given, micros, NOW, newAccount, refusal } from '../../test/ledger-accounts.ts'
import { OPEN_HOLDS_MAX } from '../limits.ts'
import type { Account, Command } from './types.ts'

const MINUTE_MS = 60_000
const HOLD_SEQ = 3

const hold = (units: number, minutes = 1): Command => ({
  kind: 'hold',
  credits: micros(units),
  expiresAt: NOW + minutes * MINUTE_MS,
})
const settle = (units: number, allowMore = false, holdSeq = HOLD_SEQ): Command => ({
  kind: 'settlement',
  holdSeq,
  credits: micros(units),
  allowMore,
})
const release = (holdSeq = HOLD_SEQ): Command => ({ kind: 'release', holdSeq })

/** 10 credits given by line 2, 6 of them held by line 3. */
function holding(): Account {
  return done(given(newAccount('prepaid'), 10), hold(6)).account
}

test('a hold sets credits aside without taking them', () => {
  const { account, entry } = done(given(newAccount('prepaid'), 10), hold(6))
  assert.deepEqual([entry.credits, entry.cost, entry.remaining], [0n, micros(6), micros(4)])
  assert.deepEqual([account.balance, account.held], [micros(10), micros(6)])
  assert.equal(done(account, asked('call', 4)).entry.reason, null)
  assert.equal(done(account, asked('call', 4.000001)).entry.reason, 'insufficient_credits')
})

test('a hold beyond what is free, and one of a suspended tenant, is denied and recorded', () => {
  const more = done(holding(), hold(4.000001))
  assert.deepEqual([more.entry.reason, more.account.holds.length], ['insufficient_credits', 1])
  const suspended = done({ ...holding(), status: 'suspended' }, hold(1))
  assert.deepEqual(
    [suspended.entry.reason, suspended.account.holds.length],
    ['tenant_suspended', 1],
  )
})

test('a settlement takes what the work cost and frees the rest of the hold', () => {
  const { account, entry } = done(holding(), settle(2))
  assert.deepEqual([entry.credits, entry.overage, entry.remaining], [-micros(2), false, micros(8)])
  assert.deepEqual([account.held, account.counters.creditsBurned], [0n, micros(2)])
  assert.deepEqual(entry.detail, { hold_seq: HOLD_SEQ, held_credits: 6 })
})

test('a settlement of nothing frees all of the hold', () => {
  assert.equal(done(holding(), settle(0)).entry.remaining, micros(10))
})

test('a settlement beyond the hold must be allowed, and its credits must be free', () => {
  assert.equal(refusal(holding(), settle(6)), null)
  assert.equal(refusal(holding(), settle(6.000001)), 'settlement_exceeds_hold')
  assert.equal(done(holding(), settle(10, true)).entry.remaining, 0n)
  assert.equal(refusal(holding(), settle(10.000001, true)), 'balance_too_low')
})

test('a settlement beyond its hold leaves the credits of other holds alone', () => {
  const two = done(holding(), hold(3)).account
  assert.equal(done(two, settle(7, true)).entry.remaining, 0n)
  assert.equal(refusal(two, settle(7.000001, true)), 'balance_too_low')
})

test('a suspended tenant can still settle and release what it holds', () => {
  const suspended: Account = { ...holding(), status: 'suspended' }
  assert.equal(done(suspended, settle(5)).entry.credits, -micros(5))
  assert.equal(done(suspended, release()).entry.remaining, micros(10))
})

test('a release frees the hold and takes nothing', () => {
  const { account, entry } = done(holding(), release())
  assert.deepEqual([entry.credits, entry.remaining], [0n, micros(10)])
  assert.deepEqual(account.holds, [])
})

test('a hold is open until its end, and cannot be settled or released from then on', () => {
  for (const closing of [settle(1), settle(1, true), release()]) {
    assert.equal(refusal(holding(), closing, NOW + MINUTE_MS - 1), null)
    assert.equal(refusal(holding(), closing, NOW + MINUTE_MS), 'hold_not_open')
  }
})

test('a hold that expired frees its credits by itself, without a line', () => {
  const { account, entries } = done(holding(), asked('call', 10), NOW + MINUTE_MS)
  assert.deepEqual(
    entries.map(({ kind, reason }) => [kind, reason]),
    [['call', null]],
  )
  assert.deepEqual([account.holds, account.held], [[], 0n])
})

test('a hold is closed once: settled, released, denied or none at all it is not open', () => {
  const settled = done(holding(), settle(1)).account
  const released = done(holding(), release()).account
  const denied = done(given(newAccount('prepaid'), 1), hold(2)).account
  for (const account of [settled, released, denied, newAccount('prepaid')]) {
    for (const closing of [settle(1), release()]) {
      assert.equal(refusal(account, closing), 'hold_not_open')
    }
  }
  assert.equal(refusal(holding(), release(2)), 'hold_not_open')
})

test('when a grant expires under a hold nothing is free, and the settlement takes what there is', () => {
  let account = given(newAccount('prepaid'), 10, { expiresAt: NOW + MINUTE_MS })
  account = done(account, hold(6, 5)).account
  account = given(account, 4)
  const later = NOW + 2 * MINUTE_MS
  const call = done(account, asked('call', 0.5), later)
  assert.deepEqual([call.entry.reason, call.entry.remaining], ['insufficient_credits', 0n])

  const { account: after, entry } = done(account, settle(6), later)
  assert.deepEqual([entry.credits, entry.cost, entry.overage], [-micros(4), micros(6), true])
  assert.deepEqual([after.balance, after.counters.creditsOverage], [0n, micros(2)])
  assert.equal(refusal(account, settle(6.5, true), later), 'balance_too_low')
})

test('what one hold is short of is not taken from another', () => {
  let account = given(newAccount('prepaid'), 6, { expiresAt: NOW + MINUTE_MS })
  account = done(account, hold(6, 5)).account // line 3
  account = given(account, 4)
  account = done(account, hold(3, 5)).account // line 5
  const { account: after, entry } = done(account, settle(6), NOW + 2 * MINUTE_MS)
  assert.deepEqual([entry.credits, entry.overage], [-micros(1), true])
  assert.equal(done(after, settle(3, false, 5), NOW + 2 * MINUTE_MS).entry.overage, false)
})

test('a hold over the end of a period is settled into the new one', () => {
  const account = done(given(newAccount('prepaid'), 10), hold(6, 100_000)).account
  const later = account.period.end + 1
  const { counters, period } = done(account, settle(5), later).account
  assert.deepEqual([counters.creditsBurned, period.start], [micros(5), account.period.end])
})

test(`no more than ${OPEN_HOLDS_MAX} holds are open at a time; those that end make room`, () => {
  let account = given(newAccount('prepaid'), 10)
  for (let count = 0; count < OPEN_HOLDS_MAX; count += 1) account = done(account, hold(0)).account
  assert.equal(refusal(account, hold(0)), 'too_many_holds')
  assert.equal(refusal(done(account, release()).account, hold(0)), null)
  assert.equal(refusal(account, hold(0, 2), NOW + MINUTE_MS), null)
})
