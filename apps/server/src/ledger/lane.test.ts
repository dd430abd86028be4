import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { micros } from '../../test/ledger-accounts.ts'
import { answerOf, callOf, giftOf, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import type { Order } from './command-of.ts'
import { readAccounts, readEntriesForward } from './store.ts'
import type { Receipt } from './submission.ts'

const database = await testDatabase()
const room = await ledgerRoom(database)
const { ledger, pool } = room
after(async () => {
  await room.close()
  await database.drop()
})

async function tenantOn(plan: Parameters<typeof room.tenants>[1], credits = 0): Promise<number> {
  return (await room.tenants(1, plan, credits))[0]!
}

async function linesOf(tenantNo: number) {
  return readEntriesForward(pool, tenantNo, 0, 10_000)
}

async function balanceOf(tenantNo: number): Promise<bigint> {
  return (await readAccounts(pool, [tenantNo]))[0]!.balance
}

test('the same key again gets the first decision again, and nothing more is charged', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const first = await recorded(ledger.submit(tenantNo, null, callOf(2), keyOf('once')))
  await recorded(ledger.submit(tenantNo, null, callOf(3), keyOf('another')))
  const again = await recorded(ledger.submit(tenantNo, null, callOf(2), keyOf('once')))
  assert.deepEqual([first.replayed, again.replayed], [false, true])
  const {
    tenantNo: _no,
    senderNo: _key,
    ...line
  } = again.entry as typeof again.entry & {
    tenantNo: number
    senderNo: number | null
  }
  assert.deepEqual(withoutReported(line), withoutReported(first.entry))
  assert.equal(await balanceOf(tenantNo), 0n)
  assert.equal((await linesOf(tenantNo)).length, 4)
})

test('a denied call stays denied under its key, also when there are credits by now', async () => {
  const tenantNo = await tenantOn('prepaid')
  const denied = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('early')))
  assert.equal(denied.entry.reason, 'insufficient_credits')
  await ledger.submit(tenantNo, null, giftOf(5), keyOf('gift'))
  const again = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('early')))
  assert.deepEqual([again.entry.reason, again.replayed], ['insufficient_credits', true])
  const other = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('late')))
  assert.equal(other.entry.reason, null)
})

test('a node that was started anew knows every key', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const first = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('kept')))
  const fresh = await ledgerRoom(database)
  try {
    const again = await recorded(fresh.ledger.submit(tenantNo, null, callOf(), keyOf('kept')))
    assert.deepEqual([again.entry.seq, again.replayed], [first.entry.seq, true])
  } finally {
    await fresh.close()
  }
})

test('the same key with another body is a conflict, and records nothing', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  await ledger.submit(tenantNo, null, callOf(), keyOf('taken', 1))
  const other = await answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('taken', 2)))
  assert.equal(other, 'idempotency_conflict')
  assert.equal((await linesOf(tenantNo)).length, 3)
  const right = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('taken', 1)))
  assert.equal(right.replayed, true)
})

test('keys are the tenant’s own: another tenant’s same key is another event', async () => {
  const [one, other] = await room.tenants(2, 'prepaid', 5)
  for (const tenantNo of [one!, other!]) {
    const receipt = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('shared')))
    assert.equal(receipt.replayed, false)
  }
})

test('a key that comes many times at once is charged once; all get the one decision', async () => {
  const tenantNo = await tenantOn('prepaid', 50)
  const sent = Array.from({ length: 50 }, () =>
    recorded(ledger.submit(tenantNo, null, callOf(), keyOf('crowd'))),
  )
  const receipts = await Promise.all(sent)
  assert.deepEqual(new Set(receipts.map(({ entry }) => entry.seq)), new Set([3]))
  assert.equal(receipts.filter(({ replayed }) => !replayed).length, 1)
  assert.equal(await balanceOf(tenantNo), micros(49))
})

test('of two bodies under one key at once the first is recorded, the other is a conflict', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const answers = await Promise.all([
    answerOf(ledger.submit(tenantNo, null, callOf(1), keyOf('two', 1))),
    answerOf(ledger.submit(tenantNo, null, callOf(2), keyOf('two', 2))),
    answerOf(ledger.submit(tenantNo, null, callOf(1), keyOf('two', 1))),
  ])
  assert.deepEqual(answers.map(shown), ['3', 'idempotency_conflict', '3 replayed'])
})

test('a conflict on its way does not keep the right body from its replay', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  await ledger.submit(tenantNo, null, callOf(), keyOf('mixed', 1))
  const answers = await Promise.all([
    answerOf(ledger.submit(tenantNo, null, callOf(2), keyOf('mixed', 2))),
    answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('mixed', 1))),
    answerOf(ledger.submit(tenantNo, null, callOf(3), keyOf('mixed', 3))),
  ])
  const conflict = 'idempotency_conflict'
  assert.deepEqual(answers.map(shown), [conflict, '3 replayed', conflict])
})

test('what is refused claims no key and leaves no line', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const release = { kind: 'release', holdSeq: 99 } as const
  const refused = await ledger.submit(tenantNo, null, release, keyOf('later'))
  assert.equal(refused.refusal, 'hold_not_open')
  assert.equal((await linesOf(tenantNo)).length, 2)
  const used = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('later')))
  assert.deepEqual([used.replayed, used.entry.seq], [false, 3])
})

test('what was carried out is answered again, also when it would be refused by now', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  await ledger.submit(
    tenantNo,
    null,
    { kind: 'hold', credits: micros(2), lastsMs: 60_000 },
    keyOf('hold'),
  )
  const orders: Order[] = [
    { kind: 'settlement', holdSeq: 3, credits: micros(1), allowMore: false },
    { kind: 'adjustment', credits: -micros(4), reason: 'all that is left' },
  ]
  for (const order of orders) {
    const name = order.kind
    const first = await recorded(ledger.submit(tenantNo, null, order, keyOf(name, 1)))
    const again = await recorded(ledger.submit(tenantNo, null, order, keyOf(name, 1)))
    assert.deepEqual([again.entry.seq, again.replayed], [first.entry.seq, true], name)
    const other = await answerOf(ledger.submit(tenantNo, null, order, keyOf(name, 2)))
    assert.equal(other, 'idempotency_conflict')
    const anew = await ledger.submit(tenantNo, null, order, keyOf(`${name} again`))
    assert.notEqual(anew.refusal, null)
  }
})

test('an order for a tenant that does not exist harms none of those that come with it', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const answers = await Promise.all([
    answerOf(ledger.submit(999_999, null, callOf(), keyOf('lost'))),
    answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('found'))),
  ])
  assert.deepEqual(answers.map(shown), ['tenant_not_found', '3'])
})

test('an order that cannot be decided is answered, and harms none of those that come with it', async () => {
  const tenantNo = await tenantOn('prepaid', 5)
  const broken = { kind: 'hold', credits: 1n, lastsMs: Number.NaN } as const
  const answers = await Promise.all([
    answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('before'))),
    answerOf(ledger.submit(tenantNo, null, broken, keyOf('broken'))),
    answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('behind'))),
  ])
  assert.deepEqual(answers.map(shown), ['3', 'internal_error', '4'])
})

test('5,000 events of 300 tenants at once: each once, in the order in which its tenant sent them', async () => {
  const tenantNos = await room.tenants(300, 'prepaid', 10)
  const events = Array.from({ length: 5_000 }, (_, index) => tenantNos[(index * 7) % 300]!)
  const receipts = await Promise.all(
    events.map((tenantNo, index) =>
      recorded(ledger.submit(tenantNo, null, callOf(), keyOf(`mass ${index}`))),
    ),
  )
  const seqs = new Map<number, number>()
  receipts.forEach(({ entry }, index) => {
    const tenantNo = events[index]!
    const expected = (seqs.get(tenantNo) ?? 2) + 1
    assert.equal(entry.seq, expected)
    assert.equal(entry.reason, expected <= 12 ? null : 'insufficient_credits')
    seqs.set(tenantNo, expected)
  })
  assert.equal(seqs.size, 300)
})

test('after all of this the logs make exactly what is stored', async () => {
  assert.deepEqual(await room.differences(), [])
})

/** What a request said of its price is not kept by itself, so a replay does not have it. */
function withoutReported(entry: { call: object | null }) {
  return { ...entry, call: { ...entry.call, reportedCredits: null } }
}

function shown(answer: Receipt | string): string {
  if (typeof answer === 'string') return answer
  return `${answer.entry?.seq}${answer.replayed ? ' replayed' : ''}`
}
