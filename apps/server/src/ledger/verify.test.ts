import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { testDatabase } from '../../test/database.ts'
import { micros, newAccount, OPENED_AT } from '../../test/ledger-accounts.ts'
import { histories, orderOf, senderOf, type Turn, walk } from '../../test/ledger-histories.ts'
import { testPlanVersion } from '../../test/ledger-plans.ts'
import { callOf, giftOf, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import { handClock } from '../../test/node.ts'
import type { Order } from './command-of.ts'
import { readEntriesForward } from './store.ts'
import type { Entry } from './types.ts'
import { verifyLog } from './verify.ts'
import { voidedCall } from './void-verb.ts'

const database = await testDatabase()
const clock = handClock(OPENED_AT)
const room = await ledgerRoom(database, { clock })
const { ledger, pool, catalog } = room
after(async () => {
  await room.close()
  await database.drop()
})

test('a log on the database is line by line what the rule says, and verify finds nothing', async () => {
  for (const { plan, steps } of fc.sample(histories, { numRuns: 25, seed: 7 })) {
    clock.set(OPENED_AT)
    const [tenantNo] = (await room.tenants(1, plan)) as [number]
    const turns = walk(newAccount(plan), steps)
    for (const [index, { command, clockNow, outcome }] of turns.entries()) {
      clock.set(clockNow)
      const receipt = await ledger.submit(
        tenantNo,
        senderOf(command),
        orderFrom(command),
        keyOf(`step ${index}`),
      )
      assert.equal(receipt.refusal, outcome.refusal)
    }
    const stored = await readEntriesForward(pool, tenantNo, 1, 1_000)
    const decided = turns.flatMap(({ outcome }) => outcome.entries)
    assert.deepEqual(stored.map(comparable), decided.map(comparable))
  }
  assert.deepEqual(await room.differences(), [])
})

test('a node that goes on writing is not mistaken for a difference', async () => {
  const tenantNos = await room.tenants(10, 'open')
  let done = false
  let sent = 0
  const writer = async () => {
    while (!done) {
      const batch = tenantNos.map((tenantNo) =>
        recorded(ledger.submit(tenantNo, null, callOf(), keyOf(`busy ${sent}`))),
      )
      sent += 1
      await Promise.all(batch)
    }
  }
  const writing = [writer(), writer()]
  const written: number[] = []
  for (let run = 0; run < 4; run += 1) {
    assert.deepEqual(await room.differences(), [])
    written.push(sent)
  }
  done = true
  await Promise.all(writing)
  assert.ok(written.at(-1)! > written[0]!, 'nothing was written meanwhile')
})

/** Every kind of line but expiry, with numbers that the cases below name. */
async function history(): Promise<number> {
  clock.set(OPENED_AT)
  const [tenantNo] = (await room.tenants(1, 'prepaid')) as [number]
  const orders: Order[] = [
    giftOf(10), // line 2
    callOf(2), // 3
    callOf(20), // 4: denied
    { kind: 'hold', credits: micros(3), lastsMs: 3_600_000 }, // 5
    { kind: 'settlement', holdSeq: 5, credits: micros(1), allowMore: false }, // 6
    { kind: 'report', call: { ...callFields(), fileSizeBytes: 700 } }, // 7
    { kind: 'adjustment', credits: -micros(1), reason: 'by hand' }, // 8
    callOf(1), // 9
  ]
  for (const order of orders) await submit(tenantNo, order)
  const [voided] = await readEntriesForward(pool, tenantNo, 8, 1)
  await submit(tenantNo, { kind: 'void', voided: voidedCall(voided!), reason: 'wrong' }) // 10
  await submit(tenantNo, { kind: 'change', change: { region: 'eu' } }) // 11
  await submit(tenantNo, callOf(1)) // 12
  return tenantNo
}

function callFields() {
  const order = callOf(1)
  if (order.kind !== 'call') throw new Error('not a call')
  return order.call
}

let submitted = 0
function submit(tenantNo: number, order: Order, senderNo: number | null = null) {
  submitted += 1
  return recorded(ledger.submit(tenantNo, senderNo, order, keyOf(`line ${submitted}`)))
}

const entry = (seq: number, set: string) =>
  `UPDATE entry SET ${set} WHERE tenant_no = $1 AND seq = ${seq}`
const state = (path: string, value: string) =>
  `UPDATE account SET state = jsonb_set(state::jsonb, '${path}', '${value}')::json WHERE tenant_no = $1`

/** What is done to the tenant's rows, and which line (null: none) and words must be told of it. */
const TAMPERINGS: Record<string, [statement: string, seq: number | null, words: RegExp]> = {
  'credits that were given': [entry(2, 'credits = credits + 1'), 2, /^remaining/],
  'credits that were taken': [entry(3, 'credits = credits - 1'), 3, /^remaining/],
  'credits without a trace in what remains': [
    entry(3, 'credits = credits - 1, remaining = remaining - 1'),
    4,
    /^remaining/,
  ],
  'what remained': [entry(12, 'remaining = remaining + 1'), 12, /^remaining/],
  'what was used': [entry(12, 'used = used + 1'), 12, /^used/],
  'a cost beyond what was taken': [entry(4, 'cost = 1'), 4, /^reason/],
  'a quantity': [entry(7, 'quantity = 7000000'), 7, /^used/],
  'a denial made an allowance': [entry(4, 'reason = 0, counted = true'), 4, /^reason is null/],
  'an allowance made a denial': [entry(3, 'reason = 6'), 3, /^reason is "insufficient_credits"/],
  'a line that counted': [entry(3, 'counted = false'), 3, /^counted/],
  'a line marked as overage': [entry(3, 'overage = true'), 3, /^overage/],
  'a call that succeeded made a failure': [entry(3, 'failed = true'), 3, /^counted/],
  'a call made a report, where that makes a difference': [entry(4, 'kind = 4'), 4, /^reason/],
  'the bytes of a call': [entry(7, 'file_size_bytes = 1'), null, /^the account is/],
  'the time of a line': [
    entry(3, "recorded_at = recorded_at - interval '1 day'"),
    3,
    /^recorded_at/,
  ],
  'the hold that was settled': [
    entry(6, `detail = '{"hold_seq": 5, "held_credits": 4}'`),
    6,
    /^detail/,
  ],
  'a settlement of no hold': [
    entry(6, `detail = '{"hold_seq": 4, "held_credits": 3}'`),
    6,
    /refused: hold_not_open/,
  ],
  'the end of a hold': [
    entry(5, `detail = '{"expires_at": "2026-01-30T21:17:05.250Z"}'`),
    6,
    /hold_not_open/,
  ],
  'a void of another line': [
    entry(10, `detail = '{"voided_seq": 3, "reason": "wrong"}'`),
    10,
    /^credits/,
  ],
  'a void of a line that there is not': [
    entry(10, `detail = '{"voided_seq": 99, "reason": "wrong"}'`),
    10,
    /voids line 99, which is missing/,
  ],
  'a void of a line that was denied': [
    entry(10, `detail = '{"voided_seq": 4, "reason": "wrong"}'`),
    10,
    /cannot be decided again/,
  ],
  'a plan that there is not': [
    entry(11, `detail = '{"plan_version_no": 12345}'`),
    12,
    /plan version 12345/,
  ],
  'the plan it began with': [
    entry(1, `detail = (detail::jsonb || '{"plan_version_no": 12345}')::json`),
    2,
    /plan version 12345/,
  ],
  'a call of which the endpoint is gone': [
    entry(3, 'endpoint = NULL'),
    3,
    /cannot be decided again/,
  ],
  'a kind that there is not': [entry(3, 'kind = 99'), null, /unknown kind 99/],
  'a reason that there is not': [entry(3, 'reason = 99'), null, /unknown reason 99/],
  'a line in the middle that is gone': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 8',
    8,
    /line 8 is missing; the next is 9/,
  ],
  'a last line that is gone': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 12',
    null,
    /the account ends at line 12, the log at 11/,
  ],
  'a first line that is gone': [
    'DELETE FROM entry WHERE tenant_no = $1 AND seq = 1',
    1,
    /line 1 is missing; the next is 2/,
  ],
  'a log that is gone': ['DELETE FROM entry WHERE tenant_no = $1', null, /there is no log/],
  'a line that was made up': [
    `INSERT INTO entry (tenant_no, seq, recorded_at, credits, remaining, used, kind, reason, counted,
       overage, failed, detail)
     SELECT tenant_no, 13, recorded_at, 5000000, remaining + 5000000, used, 5, 0, false, false, false,
       '{"priority": 100, "reason": "made up", "expires_at": null}'
     FROM entry WHERE tenant_no = $1 AND seq = 12`,
    null,
    /the account ends at line 12, the log at 13/,
  ],
  'a key that is gone': [
    'DELETE FROM event_key WHERE tenant_no = $1 AND seq = 3',
    null,
    /11 lines have keys, but there are 10 keys of 10 lines/,
  ],
  'a key that was made up': [
    'INSERT INTO event_key VALUES (3, gen_random_uuid(), $1, 1)',
    null,
    /11 lines have keys, but there are 12 keys of 11 lines/,
  ],
  'a key that was moved to a line that has none': [
    'UPDATE event_key SET seq = 1 WHERE tenant_no = $1 AND seq = 3',
    null,
    /11 lines have keys, but the keys are of other lines/,
  ],
  'a key of a line that there is not': [
    'UPDATE event_key SET seq = 99 WHERE tenant_no = $1 AND seq = 3',
    null,
    /11 lines have keys, but the keys are of other lines/,
  ],
  'a grant in the account': [state('{grants,0,1}', '"99"'), null, /^the account is/],
  'the usage in the account': [state('{counters,0}', '"0"'), null, /^the account is/],
  'the status in the account': [state('{status}', '"suspended"'), null, /^the account is/],
  'an account that cannot be read': [state('{counters}', 'null'), null, /cannot be read/],
  'the number of the last line': [
    'UPDATE account SET last_seq = last_seq + 1 WHERE tenant_no = $1',
    null,
    /the account ends at line 13, the log at 12/,
  ],
  'an account that is gone': [
    'DELETE FROM account WHERE tenant_no = $1',
    null,
    /there is no account/,
  ],
}

for (const [what, [statement, seq, words]] of Object.entries(TAMPERINGS)) {
  test(`verify finds and names ${what}`, async () => {
    const tenantNo = await history()
    assert.deepEqual(await differencesOf(tenantNo), [])
    await pool.query(statement, [tenantNo])
    const differences = await differencesOf(tenantNo)
    const found = differences.find((difference) => words.test(difference.what))
    assert.ok(found, JSON.stringify(differences))
    assert.equal(found.seq, seq)
  })
}

test('credits that were changed are found by adding up the lines alone, too', async () => {
  const tenantNo = await history()
  await pool.query(entry(2, 'credits = credits + 1'), [tenantNo])
  const told = (await differencesOf(tenantNo)).map(({ what }) => what)
  assert.ok(told.includes('the balance is 4000000, the lines add up to 4000001'), told.join('; '))
})

test('what time did is decided again as well, whether a command noticed or nothing but a clock', async () => {
  clock.set(OPENED_AT)
  const [tenantNo] = (await room.tenants(1, 'rolling')) as [number]
  await submit(tenantNo, callOf(8))
  for (const months of [1, 2, 5]) {
    clock.set(OPENED_AT + months * 31 * 86_400_000)
    await submit(tenantNo, { kind: 'lapse' })
    if (months === 2) await submit(tenantNo, callOf(3))
  }
  await submit(tenantNo, callOf(1))
  assert.deepEqual(await differencesOf(tenantNo), [])
  await pool.query(`UPDATE entry SET credits = credits + 1 WHERE tenant_no = $1 AND kind = 12`, [
    tenantNo,
  ])
  assert.notDeepEqual(await differencesOf(tenantNo), [])
})

test('one log that differs keeps no other from being verified', async () => {
  const tenantNos = [await history(), await history(), await history()]
  const [unreadable, lost, wrong] = tenantNos as [number, number, number]
  await pool.query(entry(3, 'kind = 99'), [unreadable])
  await pool.query('DELETE FROM account WHERE tenant_no = $1', [lost])
  await pool.query(entry(3, 'remaining = 0'), [wrong])
  const found = new Set((await room.differences()).map(({ tenantNo }) => tenantNo))
  for (const tenantNo of tenantNos) assert.ok(found.has(tenantNo))
})

async function differencesOf(tenantNo: number) {
  const client = await pool.connect()
  try {
    return (await verifyLog(client, catalog, tenantNo)).differences
  } finally {
    client.release()
  }
}

/** The plans of the test are numbered otherwise in the database. */
function orderFrom(command: Turn['command']): Order {
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

function comparable({ seq, kind, recordedAt, reason, credits, remaining, used, overage }: Entry) {
  return { seq, kind, recordedAt, reason, credits, remaining, used, overage }
}
