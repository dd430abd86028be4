import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { newAccount } from '../../test/ledger-accounts.ts'
import { histories, senderOf, type Turn, walk } from '../../test/ledger-histories.ts'
import { testPlanVersion } from '../../test/ledger-plans.ts'
import { withCredits } from './account.ts'
import { decodeAccountState, encodeAccountState } from './account-state.ts'
import { commandFromEntry } from './command-from-entry.ts'
import { decide } from './decide.ts'
import type { SentEntry } from './entry-row.ts'
import type { Account, Entry } from './types.ts'
import { voidedCall } from './void-verb.ts'

test('an account that was stored and read again is the same, whatever happened to it', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      for (const { outcome } of walk(newAccount(plan), steps)) {
        assert.deepEqual(stored(outcome.account), outcome.account)
      }
    }),
    { numRuns: 100 },
  )
})

test('the largest and smallest amounts survive', () => {
  fc.assert(
    fc.property(accountsAtTheEdge(), (account) => {
      assert.deepEqual(stored(account), account)
    }),
    { numRuns: 40 },
  )
})

test('a log decided again line by line gives the same lines and the same account', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      const turns = walk(newAccount(plan), steps).filter(({ outcome }) => outcome.refusal === null)
      const log = turns.flatMap(({ command, outcome }) =>
        outcome.entries.map((entry) => ({ ...entry, senderNo: senderOf(command) })),
      )
      const { account, entries } = decideAgain(newAccount(plan), log)
      assert.deepEqual(
        entries,
        turns.flatMap(({ outcome }) => outcome.entries),
      )
      assert.deepEqual(account, turns.at(-1)?.outcome.account ?? newAccount(plan))
    }),
    { numRuns: 150 },
  )
})

test('two runs are as one: an account that was stored in between goes on as if it had not been', () => {
  fc.assert(
    fc.property(histories, ({ plan, steps }) => {
      for (const { before, command, terms, clockNow, outcome } of walk(newAccount(plan), steps)) {
        assert.deepEqual(decide(stored(before), command, terms, clockNow), outcome)
      }
    }),
    { numRuns: 100 },
  )
})

test('an account whose keys have no limits is stored as it was before keys could have any', () => {
  const account = newAccount('open')
  assert.doesNotMatch(encodeAccountState(account), /"keys"/)
  const limited = { ...account, keyLimits: [{ keyNo: 3, limit: 5n, used: 1n, sinceSeq: 2 }] }
  const { keys, ...older } = JSON.parse(encodeAccountState(limited))
  assert.deepEqual(keys, [[3, '5', '1', 2]])
  assert.deepEqual(decodeAccountState(account.tenantNo, account.lastSeq, older), account)
})

function stored(account: Account): Account {
  const state = JSON.parse(encodeAccountState(account))
  return decodeAccountState(account.tenantNo, account.lastSeq, state)
}

/** From the lines alone, with details that went through JSON as the database's do. */
function decideAgain(
  start: Account,
  log: readonly SentEntry[],
): Pick<Turn['outcome'], 'account' | 'entries'> {
  const read = log.map((entry) => ({ ...entry, detail: JSON.parse(JSON.stringify(entry.detail)) }))
  const entries: Entry[] = []
  let account = start
  for (const entry of read) {
    if (entry.kind === 'expiry') continue
    const command = commandFromEntry(entry, (seq) => voidedCall(read[seq - 2]!))
    const terms = testPlanVersion(account.planVersionNo)
    const outcome = decide(account, command, terms, entry.recordedAt)
    entries.push(...outcome.entries)
    account = outcome.account
  }
  return { account, entries }
}

function accountsAtTheEdge(): fc.Arbitrary<Account> {
  const micros = fc.oneof(
    fc.constantFrom(0n, 1n, 2n ** 63n - 1n),
    fc.bigInt({ min: 0n, max: 2n ** 70n }),
  )
  const time = fc.integer({ min: Date.parse('1970-01-01'), max: Date.parse('9999-12-31') })
  const plainObjects = { noNullPrototype: true }
  const grant = fc.record(
    { seq: fc.nat(), remaining: micros, priority: fc.nat(), expiresAt: fc.option(time) },
    plainObjects,
  )
  const hold = fc.record({ seq: fc.nat(), credits: micros, expiresAt: time }, plainObjects)
  return fc
    .record({
      keyLimits: fc.array(
        fc.record(
          { keyNo: fc.nat(), limit: micros, used: micros, sinceSeq: fc.nat() },
          plainObjects,
        ),
      ),
      used: micros,
      bytes: fc.maxSafeNat(),
      region: fc.option(fc.string({ unit: 'binary' })),
      grants: fc.array(grant),
      holds: fc.array(hold),
      lastSeq: fc.maxSafeNat(),
    })
    .map(({ used, bytes, grants, holds, ...rest }) => {
      const account = { ...newAccount('open'), ...rest }
      const counters = { ...account.counters, used, bytes, overage: used, creditsOverage: used }
      return withCredits({ ...account, counters }, { grants, holds })
    })
}
