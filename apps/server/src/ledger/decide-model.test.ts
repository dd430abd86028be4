import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newAccount } from '../../test/ledger-accounts.ts'
import { histories, type Turn, walk } from '../../test/ledger-histories.ts'
import { LedgerModel, type ModelLine } from '../../test/ledger-model.ts'
import { testPlanVersion } from '../../test/ledger-plans.ts'
import type { Account, Entry } from './types.ts'

test('whatever happens, the ledger does what a second opinion says that only knows the past', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      const start = newAccount(plan)
      const model = new LedgerModel(start, testPlanVersion)
      for (const { command, clockNow, outcome } of walk(start, steps)) {
        const expected = model.carryOut(command, clockNow)
        const actual = outcome.refusal ?? outcome.entries.map(asModelLine)
        assert.deepEqual(actual, expected)
        if (outcome.refusal !== null) continue
        assert.deepEqual(asModelAccount(outcome.account), model.account(outcome.account.lastAt))
      }
    }),
    { numRuns: 400 },
  )
})

test('the histories that are drawn reach every kind of line, reason and refusal', () => {
  const seen = new Map<string, number>()
  for (const { plan, steps } of fc.sample(histories, { numRuns: 400, seed: 1 })) {
    for (const turn of walk(newAccount(plan), steps)) {
      for (const name of outcomesOf(turn)) seen.set(name, (seen.get(name) ?? 0) + 1)
    }
  }
  const missing = EVERY_OUTCOME.filter((name) => (seen.get(name) ?? 0) < 10)
  assert.deepEqual(missing, [])
})

/** All but the bounds of 500 grants, 1,000 holds and 2^63 units, which are tests of their own. */
const EVERY_OUTCOME = [
  ...['call', 'report', 'grant', 'adjustment', 'expiry', 'hold', 'settlement', 'release', 'void'],
  ...[
    'change',
    'tenant_suspended',
    'key_limit_exceeded',
    'endpoint_not_in_plan',
    'premium_required',
    'rate_limited',
  ],
  ...['quota_exceeded', 'insufficient_credits', 'overage', 'hold_not_open', 'grant_expired'],
  ...['settlement_exceeds_hold', 'balance_too_low', 'new period', 'clock set back'],
]

function outcomesOf({ before, clockNow, outcome }: Turn): string[] {
  if (outcome.refusal !== null) return [outcome.refusal]
  const names: string[] = outcome.entries.flatMap(({ kind, reason }) => [kind, reason ?? 'allowed'])
  if (outcome.entries.some(({ overage }) => overage)) names.push('overage')
  if (outcome.account.period.start > before.period.start) names.push('new period')
  if (clockNow < before.lastAt) names.push('clock set back')
  return names
}

function asModelLine(entry: Entry): ModelLine {
  const { seq, kind, recordedAt: at, reason, counted, overage, credits, remaining, used } = entry
  return { seq, kind, at, reason, counted, overage, credits, remaining, used }
}

function asModelAccount(account: Account) {
  const { tenantNo, anchor, grants, holds, nextExpiry, ...known } = account
  // What is agreed of subscriptions has tests of its own: `subscription.test.ts`, `lapse.test.ts`.
  const { subscription, trialEnd, pending, allowance, testClock, ...comparable } = known
  return comparable
}
