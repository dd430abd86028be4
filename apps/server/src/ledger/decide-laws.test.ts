import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newAccount } from '../../test/ledger-accounts.ts'
import { testPlan } from '../../test/ledger-plans.ts'
import { histories, type Turn, walk } from '../../test/ledger-histories.ts'
import { rollTo } from './lapse.ts'
import { decide } from './decide.ts'
import type { Account, Entry, Grant } from './types.ts'

const RUNS = 150

/** One law, held against everything that happens in many histories. */
function law(name: string, holds: (turn: Turn, log: readonly Entry[]) => void): void {
  test(name, () => {
    fc.assert(
      fc.property(histories, ({ plan, steps }) => {
        const log: Entry[] = []
        for (const turn of walk(newAccount(plan), steps)) {
          log.push(...turn.outcome.entries)
          holds(turn, log)
        }
      }),
      { numRuns: RUNS },
    )
  })
}

law('lines are numbered 2, 3, 4 … after the first, and the account says the last', (turn, log) => {
  assert.deepEqual(
    log.map(({ seq }) => seq),
    log.map((_, index) => index + 2),
  )
  assert.equal(turn.outcome.account.lastSeq, log.length + 1)
})

law('the credits of all lines add up to the balance, at every moment', ({ outcome }, log) => {
  const { account } = outcome
  assert.equal(sum(log.map(({ credits }) => credits)), account.balance)
  assert.equal(sum(account.grants.map(({ remaining }) => remaining)), account.balance)
  assert.equal(sum(account.holds.map(({ credits }) => credits)), account.held)
})

law('nothing is ever negative, and no grant is kept that is empty', ({ outcome }) => {
  const { account, entries } = outcome
  const { counters, grants, balance, held } = account
  for (const entry of entries) assert.ok(entry.remaining >= 0n && entry.used >= 0n)
  for (const value of [balance, held, ...Object.values(counters)]) assert.ok(value >= 0)
  for (const { remaining } of grants) assert.ok(remaining > 0n)
})

law('time in the log never goes back, whatever the clock says', ({ before, clockNow, outcome }) => {
  for (const { recordedAt } of outcome.entries) {
    assert.equal(recordedAt, Math.max(before.lastAt, clockNow))
  }
  assert.ok(outcome.account.lastAt >= before.lastAt)
})

law('what is denied leaves quota, credits, holds and rate windows as they were', (turn) => {
  const entry = turn.outcome.entries.at(-1)
  if (entry === undefined || entry.reason === null) return
  const { counters, ...after } = turn.outcome.account
  const { counters: was, ...before } = rollTo(turn.before, turn.terms, entry.recordedAt)
  assert.deepEqual(after, { ...before, lastSeq: entry.seq, lastAt: entry.recordedAt })
  const { recorded, denied, ...rest } = counters
  const { recorded: recordedBefore, denied: deniedBefore, ...restBefore } = was
  assert.deepEqual(rest, restBefore)
  const isCall = entry.kind === 'call' ? 1 : 0
  assert.deepEqual([recorded, denied], [recordedBefore + isCall, deniedBefore + isCall])
  assert.deepEqual([entry.credits, entry.counted, entry.overage], [0n, false, false])
})

law('reports, and all but calls and holds, are never denied', (_turn, log) => {
  for (const { kind, reason } of log) {
    if (kind !== 'call' && kind !== 'hold') assert.equal(reason, null)
  }
})

law('no call goes beyond a hard quota', ({ command, terms, outcome }) => {
  if (command.kind !== 'call' || terms.quota?.overage !== 'deny') return
  const entry = outcome.entries.at(-1)
  if (entry?.counted) assert.ok(entry.used <= terms.quota.limit)
})

law('no call takes a key beyond its own limit, and no other key holds it back', (turn) => {
  const { before, command, outcome } = turn
  const entry = outcome.entries.at(-1)
  if (command.kind !== 'call' || entry === undefined) return
  const ownOf = ({ keyLimits }: Account) =>
    keyLimits.find(({ keyNo }) => keyNo === command.senderNo)
  if (entry.reason === 'key_limit_exceeded') {
    const own = ownOf(rollTo(before, turn.terms, entry.recordedAt))!
    assert.ok(own.used + command.call.quantity > own.limit)
  } else if (entry.counted) {
    const own = ownOf(outcome.account)
    assert.ok(own === undefined || own.used <= own.limit)
  }
})

law('keys with limits have used no more than their tenant, and none less than nothing', (turn) => {
  const { keyLimits, counters } = turn.outcome.account
  for (const { used, limit } of keyLimits) assert.ok(used >= 0n && limit >= 0n)
  assert.ok(sum(keyLimits.map(({ used }) => used)) <= counters.used)
})

law('what one key uses leaves the limits of all others as they were', (turn) => {
  const { before, command, outcome } = turn
  const { kind } = command
  if ((kind !== 'call' && kind !== 'report') || outcome.refusal !== null) return
  const others = ({ keyLimits }: Account) =>
    keyLimits.filter(({ keyNo }) => keyNo !== command.senderNo)
  assert.deepEqual(
    others(outcome.account),
    others(rollTo(before, turn.terms, outcome.account.lastAt)),
  )
})

law('no rate window counts more than its limit', ({ command, terms, outcome: { account } }) => {
  if (command.kind !== 'call') return
  account.windows.forEach((window, index) => {
    assert.ok(window.count <= terms.rateLimits[index]!.limit)
  })
})

law('no call is held back by a rate limit that its predecessors have not used up', (turn, log) => {
  const entry = turn.outcome.entries.at(-1)
  if (entry?.reason !== 'rate_limited') return
  const times = log.flatMap(({ kind, reason, recordedAt }) =>
    kind === 'call' && reason === null ? [recordedAt] : [],
  )
  const recently = (ms: number) => times.filter((at) => at > entry.recordedAt - ms).length
  assert.ok(turn.terms.rateLimits.some(({ ms, limit }) => recently(ms) >= limit))
})

law('credits burn by priority, then expiry, then age', ({ before, terms, outcome }) => {
  const spending = outcome.entries.at(-1)
  if (spending === undefined || spending.credits >= 0n) return
  const grants = rollTo(before, terms, spending.recordedAt).grants
  assert.deepEqual(grants, [...grants].sort(inBurnOrder))
  let due = -spending.credits
  for (const grant of grants) {
    const left = outcome.account.grants.find(({ seq }) => seq === grant.seq)?.remaining ?? 0n
    const taken = grant.remaining - left
    // All of it, unless less is due.
    assert.ok(taken === grant.remaining || taken === due)
    due -= taken
  }
  assert.equal(due, 0n)
})

law('what has expired is gone, and the next expiry is known', ({ outcome }) => {
  const { account, refusal } = outcome
  const expiries = [...account.grants, ...account.holds].map(({ expiresAt }) => expiresAt)
  const next = Math.min(...expiries.map((at) => at ?? Number.POSITIVE_INFINITY))
  assert.equal(account.nextExpiry, next)
  if (refusal === null) assert.ok(next > account.lastAt)
})

law('credits that lapse leave by a line of their own, to the last micro-credit', (turn) => {
  const { before, outcome } = turn
  if (outcome.refusal !== null) return
  const lapsed = before.grants.filter((grant) => !lastsBeyond(grant, outcome.account.lastAt))
  const lines = outcome.entries.filter(({ kind }) => kind === 'expiry')
  assert.deepEqual(
    lines.map(({ credits, detail }) => [detail?.grant_seq, -credits]),
    lapsed.map(({ seq, remaining }) => [seq, remaining]),
  )
})

law('what is refused leaves no trace', ({ before, outcome }) => {
  if (outcome.refusal === null) return
  assert.deepEqual(outcome.entries, [])
  assert.equal(outcome.account, before)
})

law('deciding is pure: what went in is not touched, and twice is the same', (turn) => {
  const { before, command, terms, clockNow, outcome } = turn
  deepFreeze([before, command, terms])
  assert.deepEqual(decide(before, command, terms, clockNow), outcome)
})

law('reading an account does not change what is decided on it later', (turn) => {
  const { before, command, terms, clockNow, outcome } = turn
  if (outcome.refusal !== null) return
  const now = Math.max(clockNow, before.lastAt)
  const rolled = rollTo(before, terms, now)
  assert.equal(rollTo(rolled, terms, now), rolled)
  // Only lines for what lapsed would be lost with it, so where there are none it is all the same.
  if (outcome.entries.length > 1) return
  assert.deepEqual(decide(rolled, command, terms, now), outcome)
})

test('a new period begins with nothing used, and with everything else as it was', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      const account = walk(newAccount(plan), steps).at(-1)?.outcome.account ?? newAccount(plan)
      const at = account.period.end
      const { period, counters, keyLimits, ...rest } = rollTo(account, testPlan(plan), at)
      const kept = rollTo(
        { ...account, period: { ...account.period, end: at + 1 } },
        testPlan(plan),
        at,
      )
      const { period: _period, counters: _counters, keyLimits: limitsKept, ...restKept } = kept
      assert.deepEqual(rest, restKept)
      assert.equal(period.start, at)
      assert.ok(Object.values(counters).every((value) => Number(value) === 0))
      assert.deepEqual(
        keyLimits,
        limitsKept.map((own) => ({ ...own, used: 0n })),
      )
      assert.deepEqual(rollTo(account, testPlan(plan), at - 1).counters, account.counters)
    }),
    { numRuns: RUNS },
  )
})

function lastsBeyond({ expiresAt }: Grant, now: number): boolean {
  return expiresAt === null || expiresAt > now
}

function inBurnOrder(a: Account['grants'][number], b: Account['grants'][number]): number {
  const late = Number.MAX_SAFE_INTEGER
  return a.priority - b.priority || (a.expiresAt ?? late) - (b.expiresAt ?? late) || a.seq - b.seq
}

function sum(values: bigint[]): bigint {
  return values.reduce((a, b) => a + b, 0n)
}

function deepFreeze(value: unknown): void {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return
  Object.freeze(value)
  Object.values(value).forEach(deepFreeze)
}
