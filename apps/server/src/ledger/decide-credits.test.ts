import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asked,
  done,
  given,
  grant,
  micros,
  NOW,
  newAccount,
  refusal,
} from '../../test/ledger-accounts.ts'
import { OPEN_GRANTS_MAX } from '../limits.ts'
import { testPlan } from '../../test/ledger-plans.ts'
import { availableCredits } from './account.ts'
import { rollTo } from './lapse.ts'
import type { Account, Command } from './types.ts'

const MINUTE_MS = 60_000

/** What is left of each open grant, by the number of its line, in burn order. */
function left({ grants }: Account): [seq: number, units: number][] {
  return grants.map(({ seq, remaining }) => [seq, Number(remaining) / 1e6])
}

const takeBack = (units: number): Command => ({
  kind: 'adjustment',
  credits: -micros(units),
  reason: 'by hand',
})

test('grants burn by priority, then the one that expires first, then the oldest', () => {
  let account = newAccount('prepaid')
  account = given(account, 1) // line 2
  account = given(account, 1, { expiresAt: NOW + 9 * MINUTE_MS }) // line 3
  account = given(account, 1, { expiresAt: NOW + 5 * MINUTE_MS }) // line 4
  account = given(account, 1, { priority: 1 }) // line 5
  account = given(account, 1, { priority: 200, expiresAt: NOW + MINUTE_MS }) // line 6
  account = given(account, 1) // line 7
  assert.deepEqual(
    left(account).map(([seq]) => seq),
    [5, 4, 3, 2, 7, 6],
  )
  account = done(account, asked('call', 2.5)).account
  assert.deepEqual(left(account), [
    [3, 0.5],
    [2, 1],
    [7, 1],
    [6, 1],
  ])
})

test('a grant burns to its last moment, and no longer', () => {
  const expiresAt = NOW + MINUTE_MS
  const account = given(newAccount('prepaid'), 5, { expiresAt })
  assert.equal(done(account, asked('call'), expiresAt - 1).entry.reason, null)
  assert.equal(done(account, asked('call'), expiresAt).entry.reason, 'insufficient_credits')
})

test('what lapses leaves by a line before that of the command which meets it', () => {
  let account = given(newAccount('prepaid'), 5, { expiresAt: NOW + MINUTE_MS })
  account = given(account, 2, { expiresAt: NOW + 2 * MINUTE_MS, priority: 1 })
  account = given(account, 3)
  account = done(account, asked('call')).account
  const later = done(account, asked('call'), NOW + 3 * MINUTE_MS)
  assert.deepEqual(
    later.entries.map(({ seq, kind, credits, remaining, detail }) => [
      seq,
      kind,
      Number(credits) / 1e6,
      Number(remaining) / 1e6,
      detail?.grant_seq,
    ]),
    [
      [6, 'expiry', -1, 3, 3],
      [7, 'expiry', -5, 3, 2],
      [8, 'call', -1, 2, undefined],
    ],
  )
  assert.equal(later.account.lastSeq, 8)
})

test('a denied call finds out what lapsed as well; a refused command leaves that to the next', () => {
  const account = given(newAccount('prepaid'), 5, { expiresAt: NOW + MINUTE_MS })
  const later = NOW + 2 * MINUTE_MS
  assert.equal(refusal(account, takeBack(1), later), 'balance_too_low')
  const denied = done(account, asked('call'), later)
  assert.deepEqual(
    denied.entries.map(({ kind, reason }) => [kind, reason]),
    [
      ['expiry', null],
      ['call', 'insufficient_credits'],
    ],
  )
})

test('whoever only looks sees lapsed credits gone, before any line says so', () => {
  const account = given(newAccount('prepaid'), 5, { expiresAt: NOW + MINUTE_MS })
  assert.equal(
    availableCredits(rollTo(account, testPlan('prepaid'), NOW + MINUTE_MS - 1)),
    micros(5),
  )
  const seen = rollTo(account, testPlan('prepaid'), NOW + MINUTE_MS)
  assert.deepEqual([availableCredits(seen), seen.lastSeq], [0n, account.lastSeq])
})

test('credits that have expired already are refused', () => {
  const account = newAccount('prepaid')
  assert.equal(refusal(account, grant(1, { expiresAt: NOW })), 'grant_expired')
  assert.equal(refusal(account, grant(1, { expiresAt: NOW + 1 })), null)
})

test(`no more than ${OPEN_GRANTS_MAX} grants are open at a time; those that are used up make room`, () => {
  let account = newAccount('prepaid')
  for (let count = 0; count < OPEN_GRANTS_MAX; count += 1) account = given(account, 1)
  assert.equal(refusal(account, grant(1)), 'too_many_grants')
  assert.equal(refusal(done(account, asked('call', 0.5)).account, grant(1)), 'too_many_grants')
  assert.equal(refusal(done(account, asked('call', 1)).account, grant(1)), null)
})

test('grants that lapsed make room too', () => {
  let account = newAccount('prepaid')
  for (let count = 0; count < OPEN_GRANTS_MAX; count += 1) {
    account = given(account, 1, { expiresAt: NOW + MINUTE_MS })
  }
  assert.equal(refusal(account, grant(1), NOW + MINUTE_MS - 1), 'too_many_grants')
  const { entries } = done(account, grant(1), NOW + MINUTE_MS)
  assert.equal(entries.length, OPEN_GRANTS_MAX + 1)
})

test('credits are taken back by hand in burn order, to the last but not below', () => {
  const account = given(given(newAccount('prepaid'), 2), 3, { priority: 1 })
  assert.deepEqual(left(done(account, takeBack(4)).account), [[2, 1]])
  assert.equal(done(account, takeBack(5)).entry.remaining, 0n)
  assert.equal(refusal(account, takeBack(5.000001)), 'balance_too_low')
})

test('credits that are held are not taken back by hand', () => {
  const hold: Command = { kind: 'hold', credits: micros(4), expiresAt: NOW + MINUTE_MS }
  const account = done(given(newAccount('prepaid'), 5), hold).account
  assert.equal(refusal(account, takeBack(1.5)), 'balance_too_low')
  assert.equal(refusal(account, takeBack(1)), null)
  assert.equal(refusal(account, takeBack(5), NOW + MINUTE_MS), null)
})

test('a suspended tenant can be given credits, and they can be taken back', () => {
  const suspended: Account = { ...newAccount('prepaid'), status: 'suspended' }
  assert.equal(done(given(suspended, 3), takeBack(1)).entry.remaining, micros(2))
})
