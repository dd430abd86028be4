import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { given, micros, newAccount, OPENED_AT } from '../../test/ledger-accounts.ts'
import { type TestPlan, testPlan } from '../../test/ledger-plans.ts'
import { whenCreditsEnd } from './credits-last.ts'
import { rollTo } from './lapse.ts'
import type { Account } from './types.ts'

const DAY_MS = 86_400_000

function days(count: number, credits: number) {
  return Array.from({ length: count }, (_, day) => {
    return { from: OPENED_AT + day * DAY_MS, credits: micros(credits) }
  })
}

function when(account: Account, plan: TestPlan, stretches: ReturnType<typeof days>) {
  const terms = testPlan(plan)
  const now = rollTo(account, terms, stretches[0]?.from ?? OPENED_AT)
  return whenCreditsEnd(now, { terms, termsAfter: terms }, stretches)
}

test('they end on the day whose use takes the last of them', () => {
  const account = given(newAccount('prepaid'), 10)
  assert.equal(when(account, 'prepaid', days(30, 3)), 3)
  assert.equal(when(account, 'prepaid', days(30, 5)), 1)
  assert.equal(when(account, 'prepaid', days(3, 3)), null)
})

test('who burns nothing never ends, even with nothing', () => {
  assert.equal(when(newAccount('prepaid'), 'prepaid', days(30, 0)), null)
  assert.equal(when(newAccount('prepaid'), 'prepaid', []), null)
})

test('what expires on the way does not last, and each period brings its allowance', () => {
  const expiring = given(newAccount('prepaid'), 100, { expiresAt: OPENED_AT + 5 * DAY_MS })
  assert.equal(when(expiring, 'prepaid', days(30, 1)), 5)
  // Ten a month: a day more than ten runs into the next ones only if it comes that far.
  assert.equal(when(newAccount('monthly'), 'monthly', days(60, 0.3)), null)
  assert.equal(when(newAccount('monthly'), 'monthly', days(60, 1)), 9)
})

test('who pauses or leaves burns nothing more', () => {
  const leaving = { ...given(newAccount('prepaid'), 100), pending: { planVersionNo: null } }
  assert.equal(when(leaving, 'prepaid', days(80, 2)), null)
})

test('without expiries it is a sum, and more use is never later', () => {
  const amounts = fc.array(fc.nat(50), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(amounts, fc.nat(500), (used, credits) => {
      const account = credits === 0 ? newAccount('prepaid') : given(newAccount('prepaid'), credits)
      const stretches = (times: number) =>
        used.map((amount, day) => ({
          from: OPENED_AT + day * DAY_MS,
          credits: micros(amount * times),
        }))
      let sum = 0
      const index = used.findIndex((amount) => {
        sum += amount
        return amount > 0 && sum >= credits
      })
      const found = when(account, 'prepaid', stretches(1))
      assert.equal(found, index < 0 ? null : index)
      const sooner = when(account, 'prepaid', stretches(2))
      assert.ok(found === null || (sooner !== null && sooner <= found))
    }),
  )
})
