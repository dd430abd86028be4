import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DENIAL_REASONS, type DenialReason } from '@tollgate/contract'
import { given, micros, NOW, newAccount, PLAIN_CALL, UNIT } from '../../test/ledger-accounts.ts'
import { testPlanVersion } from '../../test/ledger-plans.ts'
import { decide } from './decide.ts'
import type { Account, Call, Entry, Outcome, Price } from './types.ts'

const KEY_NO = 3

type Asked = { call?: Partial<Call>; price?: Partial<Price>; now?: number }

function ask(kind: 'call' | 'report', account: Account, asked: Asked = {}): Outcome {
  const { call, price, now = NOW } = asked
  const command = {
    kind,
    call: { ...PLAIN_CALL, ...call },
    price: { credits: UNIT, premium: false, ...price },
    senderNo: KEY_NO,
  }
  return decide(account, command, testPlanVersion(account.planVersionNo), now)
}

function line(outcome: Outcome): Entry {
  assert.equal(outcome.refusal, null)
  return outcome.entries.at(-1)!
}

function withUsed(account: Account, units: number): Account {
  return { ...account, counters: { ...account.counters, used: micros(units) } }
}

/** What makes each check of the plan `tight` fail, and nothing else. */
const FAILING: Record<DenialReason, { account?: (account: Account) => Account; asked?: Asked }> = {
  tenant_suspended: { account: (account) => ({ ...account, status: 'suspended' }) },
  subscription_inactive: { account: (account) => ({ ...account, subscription: 'paused' }) },
  endpoint_not_in_plan: { asked: { call: { endpoint: '/blocked' } } },
  premium_required: { asked: { price: { premium: true } } },
  rate_limited: {
    account: (account) => ({ ...account, windows: [2, 2].map((count) => ({ start: NOW, count })) }),
  },
  key_limit_exceeded: {
    account: (account) => ({
      ...account,
      keyLimits: [{ keyNo: KEY_NO, limit: micros(4), used: micros(4), sinceSeq: 2 }],
    }),
  },
  quota_exceeded: { account: (account) => withUsed(account, 12) },
  insufficient_credits: { asked: { price: { credits: 5n * UNIT + 1n } } },
}

test('the first check that fails names the reason, in all 256 cases of some failing and some not', () => {
  for (let set = 0; set < 2 ** DENIAL_REASONS.length; set += 1) {
    const failing = DENIAL_REASONS.filter((_reason, index) => (set >> index) & 1)
    let account = given(newAccount('tight'), 5)
    const asked: Asked = {}
    for (const reason of failing) {
      account = FAILING[reason].account?.(account) ?? account
      asked.call = { ...asked.call, ...FAILING[reason].asked?.call }
      asked.price = { ...asked.price, ...FAILING[reason].asked?.price }
    }
    assert.equal(line(ask('call', account, asked)).reason, failing[0] ?? null, String(failing))
  }
})

test('a report is recorded and charged where a call would be denied, whatever the reason', () => {
  for (const reason of DENIAL_REASONS) {
    const account = given(newAccount('tight'), 5)
    const failing = FAILING[reason].account?.(account) ?? account
    const entry = line(ask('report', failing, FAILING[reason].asked))
    assert.deepEqual([entry.reason, entry.counted], [null, true], reason)
    assert.equal(entry.used, failing.counters.used + UNIT)
  }
})

test('a report takes no place in the rate windows', () => {
  const { account } = ask('report', newAccount('hard'))
  assert.deepEqual(account.windows, [])
})

test('`counts: success`: a failed call uses neither quota nor credits, but its place in the rate windows', () => {
  const account = given(newAccount('prepaid'), 5)
  const failed = ask('call', account, { call: { failed: true } })
  const { counted, credits, used, cost } = line(failed)
  assert.deepEqual([counted, credits, used, cost], [false, 0n, 0n, UNIT])
  assert.equal(failed.account.counters.failed, 1)
  const limited = ask('call', newAccount('hard'), { call: { failed: true } })
  assert.deepEqual(
    limited.account.windows.map(({ count }) => count),
    [1, 1],
  )
})

test('`counts: success`: a failed call is let through where quota and credits are used up', () => {
  assert.equal(line(ask('call', newAccount('prepaid'), { call: { failed: true } })).reason, null)
  const full = withUsed(newAccount('hard'), 8)
  assert.equal(line(ask('call', full, { call: { failed: true } })).reason, null)
  assert.equal(line(ask('call', full)).reason, 'quota_exceeded')
})

test('`counts: all`: a failed call uses quota and credits, and is denied like any other', () => {
  const account = given(newAccount('tight'), 1)
  const failed = ask('call', account, { call: { failed: true } })
  const { counted, credits, used } = line(failed)
  assert.deepEqual([counted, credits, used], [true, -UNIT, UNIT])
  const again = ask('call', failed.account, { call: { failed: true } })
  assert.equal(line(again).reason, 'insufficient_credits')
})

test('a hard quota is used to the last unit and not beyond, also by parts of units', () => {
  const seven = withUsed(newAccount('hard'), 7)
  assert.equal(line(ask('call', seven)).used, 8n * UNIT)
  assert.equal(line(ask('call', seven, { call: { quantity: UNIT + 1n } })).reason, 'quota_exceeded')
  assert.equal(line(ask('call', seven, { call: { quantity: UNIT / 2n } })).used, 7_500_000n)
})

test('a call of quantity 0 fits a quota that is used up', () => {
  assert.equal(
    line(ask('call', withUsed(newAccount('hard'), 8), { call: { quantity: 0n } })).reason,
    null,
  )
})

test('a soft quota lets calls through and marks the part of them that goes beyond', () => {
  const rich = given(newAccount('soft'), 100)
  const fourth = ask('call', withUsed(rich, 4), { call: { quantity: 3n * UNIT } })
  assert.equal(line(fourth).overage, true)
  assert.equal(fourth.account.counters.overage, 2n * UNIT)
  assert.deepEqual(line(fourth).detail, { overage_quantity: 2, overage_credits: 0 })
  const next = ask('call', fourth.account, { call: { quantity: 3n * UNIT } })
  assert.equal(next.account.counters.overage, 5n * UNIT)
  assert.equal(line(ask('call', withUsed(rich, 4))).overage, false)
})

test('a report that costs more than there is takes what there is; the rest is overage', () => {
  const account = given(newAccount('prepaid'), 2)
  const outcome = ask('report', account, { price: { credits: 5n * UNIT } })
  const { credits, cost, overage, remaining, detail } = line(outcome)
  assert.deepEqual([credits, cost, overage, remaining], [-2n * UNIT, 5n * UNIT, true, 0n])
  assert.deepEqual(detail, { overage_quantity: 0, overage_credits: 3 })
  assert.equal(outcome.account.counters.creditsBurned, 2n * UNIT)
  assert.equal(outcome.account.counters.creditsOverage, 3n * UNIT)
})

test('a report leaves held credits alone', () => {
  const account = given(newAccount('prepaid'), 5)
  const held = decide(
    account,
    { kind: 'hold', credits: 4n * UNIT, expiresAt: NOW + 60_000 },
    testPlanVersion(account.planVersionNo),
    NOW,
  ).account
  const { credits, overage } = line(ask('report', held, { price: { credits: 3n * UNIT } }))
  assert.deepEqual([credits, overage], [-UNIT, true])
})

test('where the plan does not ask for credits, none are taken, and the cost is kept', () => {
  const account = given(newAccount('open'), 5)
  const { credits, cost, remaining } = line(ask('call', account))
  assert.deepEqual([credits, cost, remaining], [0n, UNIT, 5n * UNIT])
})

test('a call that costs exactly what is left is allowed, one micro-credit more is not', () => {
  const account = given(newAccount('prepaid'), 5)
  assert.equal(line(ask('call', account, { price: { credits: 5n * UNIT } })).remaining, 0n)
  const more = line(ask('call', account, { price: { credits: 5n * UNIT + 1n } }))
  assert.equal(more.reason, 'insufficient_credits')
  assert.equal(more.cost, 5n * UNIT + 1n)
})

test('a call that is free is allowed without any credits', () => {
  assert.equal(line(ask('call', newAccount('prepaid'), { price: { credits: 0n } })).reason, null)
})

test('each rate limit has its window: it opens with a call and frees everything when it ends', () => {
  let account = newAccount('hard')
  const reasonAt = (now: number) => {
    const outcome = ask('call', account, { now })
    account = outcome.account
    return line(outcome).reason
  }
  const burst = (now: number) => [now, now, now, now].map(reasonAt)
  assert.deepEqual(burst(NOW), [null, null, null, 'rate_limited'])
  assert.equal(reasonAt(NOW + 999), 'rate_limited')
  assert.deepEqual(burst(NOW + 1_000), [null, null, null, 'rate_limited'])
  // Six calls: now it is the minute that is full.
  assert.equal(reasonAt(NOW + 59_999), 'rate_limited')
  assert.equal(reasonAt(NOW + 60_000), null)
  assert.deepEqual(account.windows, [
    { start: NOW + 60_000, count: 1 },
    { start: NOW + 60_000, count: 1 },
  ])
})

test('a clock that is set back does not open a window anew', () => {
  let account = newAccount('hard')
  for (const now of [NOW, NOW, NOW]) account = ask('call', account, { now }).account
  assert.equal(line(ask('call', account, { now: NOW - 3_600_000 })).reason, 'rate_limited')
})

test('a call beyond the quota is allowed again with the first moment of the next period', () => {
  const full = withUsed(newAccount('hard'), 8)
  const { end } = full.period
  assert.equal(line(ask('call', full, { now: end - 1 })).reason, 'quota_exceeded')
  const allowed = ask('call', full, { now: end })
  assert.deepEqual([line(allowed).reason, line(allowed).used], [null, UNIT])
  assert.equal(allowed.account.period.start, end)
})

test('bytes are counted for what was done: not for denied calls', () => {
  const account = given(newAccount('prepaid'), 2)
  const first = ask('call', account, { call: { fileSizeBytes: 700 } }).account
  const second = ask('call', first, { call: { fileSizeBytes: 300 } }).account
  const denied = ask('call', second, { call: { fileSizeBytes: 9_000 } }).account
  assert.deepEqual([denied.counters.bytes, denied.counters.largestBytes], [1_000, 700])
  assert.deepEqual([denied.counters.recorded, denied.counters.denied], [3, 1])
})

test('usage that no column could hold is refused, and not recorded', () => {
  const account = newAccount('open')
  const brim = { ...account, counters: { ...account.counters, used: 2n ** 63n - UNIT } }
  for (const kind of ['call', 'report'] as const) {
    assert.equal(ask(kind, brim).refusal, 'usage_too_large')
    assert.equal(ask(kind, brim, { call: { quantity: UNIT - 1n } }).refusal, null)
  }
})
