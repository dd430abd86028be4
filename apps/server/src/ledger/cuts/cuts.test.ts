import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { testDatabase } from '../../../test/database.ts'
import { newAccount, OPENED_AT } from '../../../test/ledger-accounts.ts'
import { histories, orderOf, senderOf, type Turn, walk } from '../../../test/ledger-histories.ts'
import { testPlanVersion } from '../../../test/ledger-plans.ts'
import { answerOf, callOf, giftOf, keyOf, ledgerRoom, recorded } from '../../../test/ledger-room.ts'
import { handClock } from '../../../test/node.ts'
import { inTransaction } from '../../db/pool.ts'
import { encodeAccountState } from '../account-state.ts'
import type { Order } from '../command-of.ts'
import { readAccounts, readEntriesForward } from '../store.ts'
import { verifyLog } from '../verify.ts'
import { voidedCall } from '../void-verb.ts'
import { hashOfCut } from './chain.ts'
import { LogDiffers, makeCut } from './make-cut.ts'
import { sweepCuts } from './sweep.ts'

const database = await testDatabase()
const clock = handClock(OPENED_AT)
const room = await ledgerRoom(database, { clock })
const { ledger, pool, catalog } = room
after(async () => {
  await room.close()
  await database.drop()
})

const FAR = Date.parse('2100-01-01T00:00:00Z')

function cutAt(tenantNo: number, throughSeq: number, keptFrom = FAR, linesMax = 1_000_000) {
  const bounds = { keptFrom, throughSeq, linesMax }
  return inTransaction(pool, (db) => makeCut(db, catalog, tenantNo, bounds))
}

async function seqsOf(tenantNo: number): Promise<number[]> {
  return (await readEntriesForward(pool, tenantNo, 0, 10_000)).map(({ seq }) => seq)
}

test('a log goes on as if it had not been cut, wherever and however often it is, and verifies', async () => {
  const random = fc.sample(fc.nat(), { numRuns: 5_000, seed: 11 })
  const draw = (below: number) => random.pop()! % below
  let cuts = 0
  let deleted = 0
  for (const { plan, steps } of fc.sample(histories, { numRuns: 25, seed: 5 })) {
    clock.set(OPENED_AT)
    const [tenantNo, twinNo] = (await room.tenants(2, plan)) as [number, number]
    const turns = walk(newAccount(plan), steps)
    for (const [index, turn] of turns.entries()) {
      clock.set(turn.clockNow)
      const [receipt, twin] = await Promise.all(
        [tenantNo, twinNo].map((no) =>
          ledger.submit(no, senderOf(turn.command), orderFrom(turn), keyOf(`step ${index}`)),
        ),
      )
      assert.equal(receipt!.refusal, turn.outcome.refusal)
      assert.deepEqual(receipt!.entry, twin!.entry)
      if (draw(4) !== 0) continue
      const neededFrom = Math.min(...turns.slice(index + 1).map(firstVoided), Infinity)
      const throughSeq = Math.min(neededFrom - 1, receipt!.account.lastSeq, 1 + draw(40))
      if ((await cutAt(tenantNo, throughSeq)) !== null) cuts += 1
      if (draw(2) === 0) deleted += (await sweepCuts(pool, tenantNo, { settledMs: 0 })).deleted
      if (draw(6) === 0) assert.deepEqual(await differencesOf(tenantNo), [])
    }
    const [left, whole] = await readAccounts(pool, [tenantNo, twinNo])
    assert.deepEqual({ ...left, tenantNo: 0 }, { ...whole, tenantNo: 0 })
  }
  assert.ok(cuts > 50 && deleted > 100, `${cuts} cuts, ${deleted} lines deleted`)
  assert.deepEqual(await room.differences(), [])
})

function firstVoided({ command }: Turn): number {
  return command.kind === 'void' ? command.voided.seq : Infinity
}

async function differencesOf(tenantNo: number): Promise<unknown[]> {
  const client = await pool.connect()
  try {
    return (await verifyLog(client, catalog, tenantNo)).differences
  } finally {
    client.release()
  }
}

/** Lines 1 to 12: the opening, a gift, calls, a hold with its end, a void of line 4 at the end. */
async function history(): Promise<number> {
  clock.set(OPENED_AT)
  const [tenantNo] = (await room.tenants(1, 'prepaid')) as [number]
  const orders: Order[] = [
    giftOf(100), // line 2
    callOf(2), // 3
    callOf(3), // 4
    { kind: 'hold', credits: 1_000_000n, lastsMs: 3_600_000 }, // 5
    { kind: 'settlement', holdSeq: 5, credits: 1_000_000n, allowMore: false }, // 6
    callOf(1), // 7
    giftOf(1), // 8
    callOf(1), // 9
    callOf(1), // 10
    callOf(1), // 11
  ]
  for (const [index, order] of orders.entries()) {
    await recorded(ledger.submit(tenantNo, null, order, keyOf(`line ${index + 2}`)))
  }
  await voidLine(tenantNo, 4) // 12
  return tenantNo
}

async function voidLine(tenantNo: number, seq: number) {
  const [line] = await readEntriesForward(pool, tenantNo, seq - 1, 1)
  const order = { kind: 'void', voided: voidedCall(line!), reason: 'wrong' } as const
  return recorded(ledger.submit(tenantNo, null, order, keyOf(`void ${seq}`)))
}

test('calls, holds and voids go; agreements, credits, and what a later line voids stay', async () => {
  const tenantNo = await history()
  await cutAt(tenantNo, 9)
  assert.equal(
    (await sweepCuts(pool, tenantNo, { settledMs: 3_600_000 })).deleted,
    0,
    'nothing at once',
  )
  assert.equal((await sweepCuts(pool, tenantNo, { settledMs: 0 })).deleted, 5)
  assert.deepEqual(await seqsOf(tenantNo), [1, 2, 4, 8, 10, 11, 12])
  await cutAt(tenantNo, 12)
  await sweepCuts(pool, tenantNo, { settledMs: 0 })
  assert.deepEqual(await seqsOf(tenantNo), [1, 2, 8], 'and goes with the void')
  assert.deepEqual(await differencesOf(tenantNo), [])
})

test('alerts go with the calls that they tell of', async () => {
  const tenantNo = await history()
  const alert = { kind: 'alert', alert: { alert_id: 'alert_daily_3', value: 3 } } as const
  const { entry } = await recorded(ledger.submit(tenantNo, null, alert, keyOf('an alert')))
  await recorded(ledger.submit(tenantNo, null, giftOf(1), keyOf('behind it')))
  await cutAt(tenantNo, entry.seq)
  await sweepCuts(pool, tenantNo, { settledMs: 0 })
  assert.deepEqual(await seqsOf(tenantNo), [1, 2, 8, entry.seq + 1])
  assert.deepEqual(await differencesOf(tenantNo), [])
})

test('a key outlives its line: nothing is recorded again, and another body is a conflict', async () => {
  const tenantNo = await history()
  await cutAt(tenantNo, 9)
  await sweepCuts(pool, tenantNo, { settledMs: 0 })
  const again = (fingerprint: number) =>
    answerOf(ledger.submit(tenantNo, null, callOf(2), keyOf('line 3', fingerprint)))
  assert.equal(await again(1), 'past_retention')
  assert.equal(await again(2), 'idempotency_conflict')
  const pair = await Promise.all([again(1), again(1), again(2)])
  assert.deepEqual(pair, ['past_retention', 'past_retention', 'idempotency_conflict'])
  const fresh = answerOf(ledger.submit(tenantNo, null, callOf(1), keyOf('line 13')))
  const mixed = await Promise.all([again(1), fresh])
  assert.equal(mixed[0], 'past_retention')
  assert.equal(typeof mixed[1], 'object', 'others in the batch are not harmed')
  const gift = answerOf(ledger.submit(tenantNo, null, giftOf(100), keyOf('line 2')))
  const receipt = await gift
  assert.ok(typeof receipt === 'object' && receipt.refusal === null && receipt.replayed)
  assert.deepEqual(await differencesOf(tenantNo), [])
})

test('to stop anywhere and to begin again deletes the same, also two at once', async () => {
  const [one, two, other] = [await history(), await history(), await history()]
  for (const no of [one, two]) await cutAt(no, 10)
  const interrupted = await sweepCuts(pool, one, { settledMs: 0, mayGoOn: () => false })
  assert.deepEqual(interrupted, { deleted: 0, done: false })
  const all = [one, two, one, two].map((no) => sweepCuts(pool, no, { settledMs: 0 }))
  const deleted = (await Promise.all(all)).reduce((sum, { deleted: some }) => sum + some, 0)
  assert.equal(deleted, 2 * 6)
  for (const no of [one, two]) {
    assert.deepEqual(await seqsOf(no), [1, 2, 4, 8, 11, 12])
    assert.deepEqual(await differencesOf(no), [])
  }
  assert.equal((await seqsOf(other)).length, 12, 'of others nothing is deleted')
})

test('a cut is made in steps, and never where a line is that is still needed', async () => {
  const tenantNo = await history()
  const cut = await cutAt(tenantNo, 12, FAR, 3)
  assert.equal(cut?.account.lastSeq, 3)
  assert.equal((await cutAt(tenantNo, 12, FAR, 3))?.account.lastSeq, 6)
  assert.equal(await cutAt(tenantNo, 12, OPENED_AT), null, 'what was recorded later stays')
  assert.equal(await cutAt(tenantNo, 6), null, 'nothing further')
})

const TAMPERINGS: Record<string, [statement: string, words: RegExp]> = {
  'the state at a cut': [
    `UPDATE log_cut SET state = jsonb_set(state::jsonb, '{counters,0}', '"7"')::json WHERE tenant_no = $1`,
    /what is kept of the log before this line/,
  ],
  'how many keys there were at a cut': [
    `UPDATE log_cut SET keyed_lines = keyed_lines + 1 WHERE tenant_no = $1`,
    /what is kept of the log before this line/,
  ],
  'a gift before the cut': [
    'UPDATE entry SET credits = credits + 1 WHERE tenant_no = $1 AND seq = 2',
    /or a line of it that stays, was changed/,
  ],
  'the opening': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 1',
    /or a line of it that stays, was changed/,
  ],
  'a cut that is gone': [
    'DELETE FROM log_cut WHERE tenant_no = $1',
    /line 3 is missing; the next is 4/,
  ],
  'a line behind the cut': [
    'UPDATE entry SET credits = credits - 1 WHERE tenant_no = $1 AND seq = 11',
    /^remaining/,
  ],
  'a line behind the cut that is gone': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 10',
    /line 10 is missing; the next is 11/,
  ],
  'a key of a line that is gone': [
    'DELETE FROM event_key WHERE tenant_no = $1 AND seq = 3',
    /lines have keys/,
  ],
  'a line that a later one voids': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 4',
    /voids line 4, which is missing/,
  ],
}

for (const [what, [statement, words]] of Object.entries(TAMPERINGS)) {
  test(`tampering is found in a log that was cut: ${what}`, async () => {
    const tenantNo = await history()
    await cutAt(tenantNo, 9)
    await sweepCuts(pool, tenantNo, { settledMs: 0 })
    assert.deepEqual(await differencesOf(tenantNo), [])
    await pool.query(statement, [tenantNo])
    const found = (await differencesOf(tenantNo)) as { what: string }[]
    assert.ok(
      found.some((one) => words.test(one.what)),
      JSON.stringify(found),
    )
    await pool.query('DELETE FROM entry WHERE tenant_no = $1', [tenantNo])
    await pool.query('DELETE FROM log_cut WHERE tenant_no = $1', [tenantNo])
  })
}

test('the lines of a state whose hash was made to fit do not follow from it', async () => {
  const tenantNo = await history()
  const cut = (await cutAt(tenantNo, 9))!
  await sweepCuts(pool, tenantNo, { settledMs: 0 })
  const grants = cut.account.grants.map((grant) => ({ ...grant, remaining: grant.remaining + 1n }))
  const forged = { ...cut, account: { ...cut.account, grants } }
  await pool.query(`UPDATE log_cut SET state = $2, hash = decode($3, 'hex') WHERE tenant_no = $1`, [
    tenantNo,
    encodeAccountState(forged.account),
    await hashOfCut(pool, forged, null),
  ])
  const found = (await differencesOf(tenantNo)) as { what: string }[]
  assert.match(found[0]!.what, /^remaining/)
})

test('a log that does not verify is not cut', async () => {
  const tenantNo = await history()
  await pool.query('UPDATE entry SET remaining = 1 WHERE tenant_no = $1 AND seq = 7', [tenantNo])
  await assert.rejects(cutAt(tenantNo, 9), LogDiffers)
  assert.equal(await cutAt(tenantNo, 6).then((cut) => cut?.account.lastSeq), 6)
})

function orderFrom({ command }: Turn): Order {
  if (command.kind === 'change' && command.change.planVersionNo !== undefined) {
    const { plan } = testPlanVersion(command.change.planVersionNo)
    const { planVersionNo } = catalog.latestPlan(plan)!
    return { kind: 'change', change: { ...command.change, planVersionNo } }
  }
  if (command.kind !== 'call' && command.kind !== 'report') return orderOf(command, clock.now())
  const { call, price } = command
  const { credits: reportedCredits, premium: reportedPremium } = price
  return { kind: command.kind, call: { ...call, reportedCredits, reportedPremium } }
}
