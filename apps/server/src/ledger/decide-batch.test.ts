import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asked, NOW, newAccount, UNIT } from '../../test/ledger-accounts.ts'
import { histories, orderOf, senderOf, walk } from '../../test/ledger-histories.ts'
import { testPlanVersion } from '../../test/ledger-plans.ts'
import type { Catalog } from '../catalog/catalog.ts'
import { compileRules } from '../catalog/compile.ts'
import { decideBatch } from './decide-batch.ts'
import { Submission } from './submission.ts'
import type { Account, Command } from './types.ts'

const catalog = {
  rules: compileRules(1, {}, new Map()),
  planVersion: testPlanVersion,
} as unknown as Catalog

let keys = 0
function submission(command: Command, tenantNo = 7, now = NOW): Submission {
  keys += 1
  const key = { key: String(keys).padStart(16), fingerprint: 1 }
  return new Submission(tenantNo, senderOf(command), orderOf(command, now), key, () => {})
}

function call(units: number, tenantNo = 7): Submission {
  const command = asked('call', units)
  if (command.kind !== 'call') throw new Error('not a call')
  const { call: made } = command
  return submission(
    { ...command, call: { ...made, reportedCredits: BigInt(units) * UNIT } },
    tenantNo,
  )
}

test('in several batches as in one: where a batch ends changes no line', () => {
  fc.assert(
    fc.property(histories, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (history, sizes) => {
      const start = newAccount(history.plan)
      // All at one time, since a batch is decided at one.
      const steps = history.steps.map((step) => ({ ...step, waitMs: 0 }))
      const commands = walk(start, steps).map(({ command }) => submission(command, 7, start.lastAt))
      const whole = decideBatch(commands, () => start, catalog, start.lastAt)

      let account = start
      const lines = []
      const rest = [...commands]
      while (rest.length > 0) {
        const part = rest.splice(0, sizes.next().value)
        const decided = decideBatch(part, () => account, catalog, start.lastAt)
        account = decided.batch.accounts[0]!.after
        lines.push(...decided.batch.lines)
      }
      assert.deepEqual(lines, whole.batch.lines)
      assert.deepEqual(account, whole.batch.accounts[0]?.after ?? start)
    }),
    { numRuns: 60 },
  )
})

test('tenants in one batch do not see each other, and each is written once, in order of numbers', () => {
  const accounts = new Map<number, Account>(
    [9, 4, 6].map((tenantNo) => [tenantNo, { ...newAccount('hard'), tenantNo }]),
  )
  const wanted = [9, 4, 9, 6, 9, 9].map((tenantNo) => call(1, tenantNo))
  const { batch, receipts } = decideBatch(wanted, (no) => accounts.get(no), catalog, NOW)
  assert.deepEqual(
    batch.accounts.map(({ beforeSeq, after }) => [after.tenantNo, beforeSeq, after.lastSeq]),
    [
      [4, 1, 2],
      [6, 1, 2],
      [9, 1, 5],
    ],
  )
  assert.deepEqual(
    receipts.map(({ entry }) => [entry?.seq, entry?.reason]),
    [
      [2, null],
      [2, null],
      [3, null],
      [2, null],
      [4, null],
      [5, 'rate_limited'],
    ],
  )
})

test('a refusal writes no line, but is true only of the account that it was decided on', () => {
  const refused = submission({ kind: 'release', holdSeq: 99 })
  const { batch, receipts } = decideBatch([refused], () => newAccount('open'), catalog, NOW)
  assert.equal(receipts[0]?.refusal, 'hold_not_open')
  assert.deepEqual(batch.lines, [])
  assert.deepEqual(
    batch.accounts.map(({ beforeSeq, after }) => [beforeSeq, after.lastSeq]),
    [[1, 1]],
  )
})

test('a line for what lapsed carries no key: only the line that was asked for does', () => {
  const gift = {
    kind: 'grant',
    credits: UNIT,
    priority: 1,
    expiresAt: NOW + 1,
    reason: '',
    bought: false,
  } as const
  const first = decideBatch([submission(gift)], () => newAccount('prepaid'), catalog, NOW)
  const { after } = first.batch.accounts[0]!
  const wanted = call(0)
  const { batch } = decideBatch([wanted], () => after, catalog, NOW + 1)
  assert.deepEqual(
    batch.lines.map(({ entry, idempotency }) => [entry.kind, idempotency]),
    [
      ['expiry', null],
      ['call', wanted.idempotency],
    ],
  )
})

test('a plan change in a batch holds for what comes behind it in the same batch', () => {
  const planVersionNo = 2
  const wanted = [
    ...Array.from({ length: 4 }, () => call(1)),
    submission({ kind: 'change', change: { planVersionNo } }),
    ...Array.from({ length: 4 }, () => call(1)),
  ]
  const { receipts } = decideBatch(wanted, () => newAccount('open'), catalog, NOW)
  assert.deepEqual(
    receipts.map(({ entry }) => entry?.reason),
    [null, null, null, null, null, null, null, null, 'rate_limited'],
  )
})

test('a call that names no region is one of the region that its tenant is in', () => {
  const account = { ...newAccount('open'), region: 'eu' }
  const { receipts } = decideBatch([call(1)], () => account, catalog, NOW)
  assert.equal(receipts[0]?.entry?.call?.region, 'eu')
})
