import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  asked,
  done,
  given,
  micros,
  newAccount,
  NOW,
  OPENED_AT,
  refusal,
} from '../../test/ledger-accounts.ts'
import { type TestPlan, testPlan, testPlanVersion } from '../../test/ledger-plans.ts'
import { periodAt } from '../lib/periods.ts'
import { decide } from './decide.ts'
import { lapse, rollTo } from './lapse.ts'
import type { Account, Command, Entry } from './types.ts'

const LAPSE: Command = { kind: 'lapse' }

/** The start of the period so many after the first. */
function startOf(periods: number): number {
  let start = OPENED_AT
  for (let count = 0; count <= periods; count += 1) {
    const period = periodAt(OPENED_AT, 'UTC', start)
    if (count === periods) return period.start
    start = period.end
  }
  return start
}

const shown = (entries: readonly Entry[]) =>
  entries.map(({ kind, credits, detail }) => [
    kind,
    Number(credits) / 1e6,
    ...(detail?.rolled_over === undefined ? [] : [detail.rolled_over]),
  ])

test('a period begins with its allowance, once, by a line of its own before the first command', () => {
  const { account, entries } = done(newAccount('monthly'), asked('call', 4))
  assert.deepEqual(shown(entries), [
    ['allowance', 10, 0],
    ['call', -4],
  ])
  assert.equal(account.balance, micros(6))
  assert.deepEqual(shown(done(account, asked('call', 1)).entries), [['call', -1]])
})

test('whoever only looks sees the allowance too', () => {
  const account = newAccount('monthly')
  assert.equal(rollTo(account, testPlan('monthly'), NOW).balance, micros(10))
  assert.equal(account.balance, 0n)
})

test('what is left of an allowance lapses with its period, where the plan keeps nothing', () => {
  const { account } = done(newAccount('monthly'), asked('call', 4))
  const { entries, account: after } = done(account, asked('call', 1), startOf(1))
  assert.deepEqual(shown(entries), [
    ['expiry', -6],
    ['allowance', 10, 0],
    ['call', -1],
  ])
  assert.equal(after.balance, micros(9))
})

test('what is left rolls over up to the cap, also over months in which nobody looked', () => {
  const { account } = done(newAccount('rolling'), asked('call', 8))
  const next = done(account, asked('call', 0), startOf(1))
  assert.deepEqual(shown(next.entries).slice(0, 2), [
    ['expiry', -12],
    ['allowance', 32, 12],
  ])
  // 12 are kept from the first month, 30 at most from any.
  for (const [months, kept] of [
    [2, 30],
    [3, 30],
    [40, 30],
  ] as const) {
    const { entries } = done(account, asked('call', 0), startOf(months))
    assert.deepEqual(shown(entries)[1], ['allowance', 20 + kept, kept], `${months} months`)
  }
})

test('an allowance burns before credits that last longer', () => {
  const account = given(newAccount('monthly'), 5)
  const after = done(account, asked('call', 12)).account
  assert.deepEqual(
    after.grants.map(({ remaining, expiresAt }) => [remaining, expiresAt]),
    [[micros(3), null]],
  )
})

test('what time did can be written without any other command, once', () => {
  const account = newAccount('monthly')
  const { account: after, entries } = done(account, LAPSE)
  assert.deepEqual(shown(entries), [['allowance', 10, 0]])
  assert.deepEqual([after.lastSeq, after.balance, after.lastAt], [2, micros(10), NOW])
  assert.equal(refusal(after, LAPSE), 'nothing_lapsed')
  assert.equal(refusal(newAccount('open'), LAPSE, startOf(3)), 'nothing_lapsed')
})

const plans = fc.constantFrom<TestPlan>('monthly', 'rolling', 'prepaid')
const steps = fc.array(
  fc.record({
    waitDays: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 })),
    credits: fc.integer({ min: 0, max: 25 }),
    gift: fc.boolean(),
  }),
  { maxLength: 25 },
)

test('granted less burned less expired is the balance, always, and allowances are never twice', () => {
  fc.assert(
    fc.property(plans, steps, (plan, all) => {
      let account: Account = newAccount(plan)
      let now = NOW
      let sum = 0n
      const given = new Set<unknown>()
      for (const { waitDays, credits, gift } of all) {
        now += waitDays * 86_400_000
        const command: Command = gift
          ? {
              kind: 'grant',
              credits: micros(credits + 1),
              priority: 100,
              expiresAt: now + 86_400_000 * 20,
              reason: 'gift',
              bought: false,
            }
          : asked('call', credits)
        const outcome = decide(account, command, testPlanVersion(account.planVersionNo), now)
        assert.equal(outcome.refusal, null)
        for (const entry of outcome.entries) {
          sum += entry.credits
          if (entry.kind !== 'allowance') continue
          assert.ok(!given.has(entry.detail?.period_start), 'twice in a period')
          given.add(entry.detail?.period_start)
        }
        account = outcome.account
        assert.equal(account.balance, sum)
        assert.ok(account.balance >= 0n)
      }
    }),
    { numRuns: 300 },
  )
})

test('looking in between changes no balance and no later line', () => {
  fc.assert(
    fc.property(
      plans,
      fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 8 }),
      (plan, days) => {
        const terms = testPlan(plan)
        const start = done(newAccount(plan), asked('call', 3)).account
        const end = NOW + days.reduce((sum, day) => sum + day, 0) * 86_400_000
        let account = start
        let now = NOW
        for (const day of days) {
          now += day * 86_400_000
          const outcome = decide(account, LAPSE, terms, now)
          account = outcome.account
        }
        assert.equal(rollTo(account, terms, end).balance, rollTo(start, terms, end).balance)
        assert.deepEqual(lapse(rollTo(start, terms, end), terms, end).lines, [])
      },
    ),
    { numRuns: 200 },
  )
})
