import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  asked,
  carryOut,
  done,
  given,
  micros,
  NOW,
  newAccount,
  refusal,
} from '../../test/ledger-accounts.ts'
import { testPlan } from '../../test/ledger-plans.ts'
import { KEY_LIMITS_PER_TENANT_MAX } from '../limits.ts'
import type { Account, Call, Command, Entry } from './types.ts'
import { voidedCall } from './void-verb.ts'

const [KEY, OTHER, MEMBER] = [3, 4, -3]

function limit(keyNo: number, units: number | null): Command {
  const keyLimit = { keyNo, limit: units === null ? null : micros(units) }
  return { kind: 'change', change: { keyLimit } }
}

function limited(account: Account, units: number, keyNo = KEY): Account {
  return done(account, limit(keyNo, units)).account
}

const call = (senderNo: number | null, more: Partial<Call> = {}) => asked('call', 1, more, senderNo)
const report = (senderNo: number | null, more: Partial<Call> = {}) =>
  asked('report', 1, more, senderNo)
const voidOf = (entry: Entry, senderNo: number): Command => ({
  kind: 'void',
  voided: voidedCall({ ...entry, senderNo }),
  reason: 'was wrong',
})

function after(account: Account, ...commands: Command[]): Account {
  return commands.reduce((current, command) => done(current, command).account, account)
}

function reasonOf(account: Account, command: Command, now = NOW) {
  return done(account, command, now).entry.reason
}

function usedBy(account: Account, keyNo = KEY): bigint | undefined {
  return account.keyLimits.find((own) => own.keyNo === keyNo)?.used
}

test('a key makes as many calls as its limit says, and not one more', () => {
  let account = limited(newAccount('open'), 3)
  const reasons = Array.from({ length: 5 }, () => {
    const asked = done(account, call(KEY))
    account = asked.account
    return asked.entry.reason
  })
  const denied = 'key_limit_exceeded'
  assert.deepEqual(reasons, [null, null, null, denied, denied])
  assert.equal(usedBy(account), micros(3))
  assert.equal(account.counters.used, micros(3))
})

test('the line of a limit says which key and how much', () => {
  const { entry } = done(newAccount('open'), limit(KEY, 2.5))
  assert.deepEqual([entry.kind, entry.detail], ['change', { key_no: KEY, key_limit: 2.5 }])
  const { entry: lifted } = done(newAccount('open'), limit(KEY, null))
  assert.deepEqual(lifted.detail, { key_no: KEY, key_limit: null })
})

test('other keys, members and Tollgate itself are not held back, and two keys with limits do not share', () => {
  const account = after(limited(limited(newAccount('open'), 1), 2, OTHER), call(KEY))
  assert.equal(reasonOf(account, call(KEY)), 'key_limit_exceeded')
  for (const sender of [OTHER, MEMBER, 99, null])
    assert.equal(reasonOf(account, call(sender)), null)
  const both = after(account, call(OTHER), call(OTHER))
  assert.equal(reasonOf(both, call(OTHER)), 'key_limit_exceeded')
  assert.deepEqual([usedBy(both), usedBy(both, OTHER)], [micros(1), micros(2)])
})

test('a call counts with its quantity, and one that would go beyond leaves room for smaller ones', () => {
  const account = after(limited(newAccount('open'), 2.5), call(KEY, { quantity: micros(2) }))
  assert.equal(reasonOf(account, call(KEY, { quantity: micros(1) })), 'key_limit_exceeded')
  assert.equal(reasonOf(account, call(KEY, { quantity: micros(0.500001) })), 'key_limit_exceeded')
  assert.equal(reasonOf(account, call(KEY, { quantity: micros(0.5) })), null)
})

test('a key whose limit is none at all makes no call that counts', () => {
  const account = limited(newAccount('open'), 0)
  assert.equal(reasonOf(account, call(KEY)), 'key_limit_exceeded')
  assert.equal(reasonOf(account, call(KEY, { failed: true })), null)
})

test('a failed call uses of the limit what the plan says it counts', () => {
  const free = after(limited(newAccount('open'), 1), call(KEY, { failed: true }))
  assert.equal(usedBy(free), 0n)
  const paid = after(limited(given(newAccount('soft'), 5), 1), call(KEY, { failed: true }))
  assert.equal(usedBy(paid), micros(1))
  assert.equal(reasonOf(paid, call(KEY, { failed: true })), 'key_limit_exceeded')
})

test('a report is never denied, but uses of the limit, also beyond it', () => {
  const account = after(limited(newAccount('open'), 1), report(KEY), report(KEY))
  assert.equal(usedBy(account), micros(2))
  assert.equal(reasonOf(account, call(KEY)), 'key_limit_exceeded')
  assert.equal(reasonOf(account, report(KEY)), null)
})

test('a call that is denied for any reason uses nothing of the limit', () => {
  const broke = limited(newAccount('prepaid'), 5)
  const { account, entry } = done(broke, call(KEY))
  assert.equal(entry.reason, 'insufficient_credits')
  assert.equal(usedBy(account), 0n)
})

test('a new period begins with nothing used of a limit that stays', () => {
  const account = after(limited(newAccount('open'), 1), call(KEY))
  const { end } = account.period
  assert.equal(reasonOf(account, call(KEY), end - 1), 'key_limit_exceeded')
  const next = done(account, call(KEY), end)
  assert.equal(next.entry.reason, null)
  assert.equal(reasonOf(next.account, call(KEY), end), 'key_limit_exceeded')
})

test('what was used stays when the limit is changed: a lower one may be reached already', () => {
  const account = after(limited(newAccount('open'), 5), call(KEY), call(KEY))
  const lower = limited(account, 1)
  assert.deepEqual(lower.keyLimits[0], { ...account.keyLimits[0], limit: micros(1) })
  assert.equal(reasonOf(lower, call(KEY)), 'key_limit_exceeded')
  assert.equal(reasonOf(limited(lower, 3), call(KEY)), null)
})

test('a limit counts from when it was set, and anew after it was lifted', () => {
  const account = after(newAccount('open'), call(KEY), call(KEY))
  const set = limited(account, 1)
  assert.equal(usedBy(set), 0n)
  const used = after(set, call(KEY))
  const lifted = after(used, limit(KEY, null))
  assert.deepEqual(lifted.keyLimits, [])
  assert.equal(reasonOf(lifted, call(KEY)), null)
  assert.equal(usedBy(limited(lifted, 1)), 0n)
})

test('a change of plan leaves the limits of keys, and what was used of them', () => {
  const account = after(limited(newAccount('open'), 1), call(KEY))
  const { planVersionNo } = testPlan('hard')
  const changed = after(account, { kind: 'change', change: { planVersionNo } })
  assert.deepEqual(changed.keyLimits, account.keyLimits)
  assert.equal(reasonOf(changed, call(KEY)), 'key_limit_exceeded')
})

test('a void gives back what its key used, once its own and nobody else’s', () => {
  const account = limited(limited(newAccount('open'), 3), 3, OTHER)
  const first = done(after(account, call(OTHER)), call(KEY, { quantity: micros(2) }))
  const voided = after(first.account, voidOf(first.entry, KEY))
  assert.deepEqual([usedBy(voided), usedBy(voided, OTHER)], [0n, micros(1)])
})

test('a void of a call from before the limit, or before it was lifted, gives back nothing of it', () => {
  const early = done(newAccount('open'), call(KEY))
  const set = after(limited(early.account, 3), call(KEY))
  assert.equal(usedBy(after(set, voidOf(early.entry, KEY))), micros(1))
  const lifted = limited(after(set, limit(KEY, null)), 3)
  assert.equal(usedBy(after(lifted, voidOf(early.entry, KEY))), 0n)
})

test('a void of a call of an earlier period gives back nothing of the limit', () => {
  const early = done(limited(newAccount('open'), 3), call(KEY))
  const { end } = early.account.period
  const next = done(early.account, call(KEY), end).account
  assert.equal(usedBy(done(next, voidOf(early.entry, KEY), end).account), micros(1))
})

test('a tenant has a bounded number of keys with limits; those it has can be changed and lifted', () => {
  let account = newAccount('open')
  for (let keyNo = 1; keyNo <= KEY_LIMITS_PER_TENANT_MAX; keyNo += 1) {
    account = limited(account, 1, keyNo)
  }
  const onemore = limit(KEY_LIMITS_PER_TENANT_MAX + 1, 1)
  assert.equal(refusal(account, onemore), 'too_many_key_limits')
  assert.deepEqual(carryOut(account, onemore).entries, [])
  assert.equal(refusal(account, limit(7, 2)), null)
  assert.equal(refusal(account, { kind: 'change', change: { region: 'eu' } }), null)
  assert.equal(refusal(after(account, limit(7, null)), onemore), null)
})
