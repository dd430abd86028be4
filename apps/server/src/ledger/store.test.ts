import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { NOW, newAccount, OPENED_AT, PLAIN_CALL } from '../../test/ledger-accounts.ts'
import { classifyDatabaseError } from '../db/errors.ts'
import { ensurePartitions } from '../db/partitions.ts'
import { createPool, inTransaction } from '../db/pool.ts'
import { ENTRY_KIND_CODES, REASON_CODES } from './codes.ts'
import { costOf } from './entry-row.ts'
import {
  type Batch,
  insertAccount,
  type Line,
  lockAccounts,
  readAccounts,
  readEntriesBackward,
  readEntriesForward,
  readEntry,
  readKnownKeys,
  writeBatch,
} from './store.ts'
import type { Account, Call, Entry } from './types.ts'

const database = await testDatabase()
const pool = createPool(database.url, () => {})
await ensurePartitions(pool, OPENED_AT)
after(async () => {
  await pool.end()
  await database.drop()
})

let tenantsMade = 0
async function accountInDatabase(): Promise<Account> {
  tenantsMade += 1
  const account = { ...newAccount('open'), tenantNo: tenantsMade, lastSeq: 0 }
  await insertAccount(pool, account)
  return account
}

const PLAIN_ENTRY: Entry = {
  seq: 1,
  kind: 'call',
  recordedAt: NOW,
  reason: null,
  counted: true,
  overage: false,
  credits: 0n,
  cost: null,
  remaining: 0n,
  used: 0n,
  call: PLAIN_CALL,
  detail: null,
}

function batchOf(account: Account, entries: Entry[], keys: (string | null)[] = []): Batch {
  const lines = entries.map((entry, index): Line => {
    const key = keys[index] ?? null
    const idempotency = key === null ? null : { key, fingerprint: 7 }
    return { tenantNo: account.tenantNo, senderNo: null, entry, idempotency }
  })
  const lastSeq = account.lastSeq + entries.length
  return { accounts: [{ beforeSeq: account.lastSeq, after: { ...account, lastSeq } }], lines }
}

const key = (letter: string) => letter.repeat(16)

const int8 = fc.oneof(
  fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n),
  fc.bigInt({ min: -1n, max: 10n }),
)
/** As the contract lets them in: without NUL and without halves of surrogate pairs. */
const text = fc.string({ unit: 'grapheme', maxLength: 40 }).filter((some) => !some.includes('\0'))
const orNull = <T>(some: fc.Arbitrary<T>) => fc.option(some)
const calls: fc.Arbitrary<Call> = fc
  .record({
    service: text,
    endpoint: text,
    method: orNull(text),
    failed: fc.boolean(),
    region: orNull(text),
    feature: orNull(text),
    fileType: orNull(text),
    outputFormat: orNull(text),
    errorCode: orNull(text),
    fileSizeBytes: orNull(fc.maxSafeNat()),
    processingTimeMs: orNull(fc.maxSafeNat()),
    tokenCount: orNull(fc.maxSafeNat()),
    quantity: fc.oneof(fc.constantFrom(0n, 1_000_000n), fc.bigInt({ min: 0n, max: 10n ** 15n })),
    properties: orNull(fc.dictionary(fc.string(), fc.jsonValue()).map((o) => JSON.stringify(o))),
    occurredAt: orNull(
      fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2200-01-01') }),
    ),
    selfReported: fc.boolean(),
  })
  .map((drawn) => ({ ...PLAIN_CALL, ...drawn }))
const entries: fc.Arbitrary<Entry> = fc
  .record({
    kind: fc.constantFrom(...(Object.keys(ENTRY_KIND_CODES) as Entry['kind'][])),
    recordedAt: fc.integer({ min: OPENED_AT, max: Date.parse('2200-01-01') }),
    reason: orNull(
      fc.constantFrom(...(Object.keys(REASON_CODES) as (keyof typeof REASON_CODES)[])),
    ),
    counted: fc.boolean(),
    overage: fc.boolean(),
    credits: int8,
    cost: orNull(int8),
    remaining: int8,
    used: int8,
    call: orNull(calls),
    detail: orNull(fc.dictionary(text, fc.jsonValue())),
  })
  .map((drawn) => ({ ...PLAIN_ENTRY, ...drawn }))

/** A cost that says no more than what was taken is not kept. */
function withPlainCost(entry: Entry): Entry {
  return costOf({ ...entry, cost: null }) === entry.cost ? { ...entry, cost: null } : entry
}

test('a line is read as it was written, whatever is in it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(entries, { minLength: 1, maxLength: 20 }), async (drawn) => {
      const account = await accountInDatabase()
      const written = drawn.map((entry, index) => ({ ...entry, seq: index + 1 }))
      await writeBatch(pool, batchOf(account, written))
      const read = await readEntriesForward(pool, account.tenantNo, 0, 100)
      const expected = written.map((entry) => ({
        ...throughJson(withPlainCost(entry)),
        tenantNo: account.tenantNo,
        senderNo: null,
      }))
      assert.deepEqual(read.map(throughJson), expected)
      assert.deepEqual(await readEntry(pool, account.tenantNo, 1), read[0])
      const backward = await readEntriesBackward(pool, account.tenantNo, null, 100)
      assert.deepEqual(backward, [...read].reverse())
    }),
    { numRuns: 40 },
  )
})

/** JSON has no order of members and no prototypes. */
function throughJson<T extends Entry>(entry: T): T {
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value))
  const call = entry.call && {
    ...entry.call,
    properties: JSON.parse(entry.call.properties ?? 'null'),
  }
  return { ...entry, detail: plain(entry.detail), call }
}

test('a batch writes its accounts, keys and lines together', async () => {
  const account = await accountInDatabase()
  const second = { ...PLAIN_ENTRY, seq: 2, kind: 'expiry' as const, call: null }
  await writeBatch(pool, batchOf(account, [PLAIN_ENTRY, second], [key('a'), null]))
  const [stored] = await readAccounts(pool, [account.tenantNo])
  assert.deepEqual(stored, { ...account, lastSeq: 2 })
  const wanted = ['a', 'b'].map((letter) => ({ tenantNo: account.tenantNo, key: key(letter) }))
  const known = await readKnownKeys(pool, wanted)
  assert.deepEqual(
    known.map(({ tenantNo, key: found, fingerprint, entry }) => [
      tenantNo,
      found,
      fingerprint,
      entry?.seq,
    ]),
    [[account.tenantNo, key('a'), 7, 1]],
  )
})

test('a batch that believed one account elsewhere writes nothing of any, and says conflict', async () => {
  const [right, wrong] = [await accountInDatabase(), await accountInDatabase()]
  const parts = [batchOf(right, [PLAIN_ENTRY]), batchOf({ ...wrong, lastSeq: 5 }, [PLAIN_ENTRY])]
  await assertNothingWritten(joined(parts), [right, wrong], 'conflict')
})

test('a batch with an account that does not exist writes nothing, and says conflict', async () => {
  const account = await accountInDatabase()
  const parts = [
    batchOf(account, [PLAIN_ENTRY]),
    batchOf({ ...account, tenantNo: 999_999 }, [PLAIN_ENTRY]),
  ]
  await assertNothingWritten(joined(parts), [account], 'conflict')
})

test('a batch with one key that is known writes nothing of any, and says conflict', async () => {
  const [used, other] = [await accountInDatabase(), await accountInDatabase()]
  await writeBatch(pool, batchOf(used, [PLAIN_ENTRY], [key('u')]))
  const now = { ...used, lastSeq: 1 }
  const parts = [
    batchOf(other, [PLAIN_ENTRY], [key('o')]),
    batchOf(now, [{ ...PLAIN_ENTRY, seq: 2 }], [key('u')]),
  ]
  await assertNothingWritten(joined(parts), [other, now], 'conflict')
})

test('a batch of refusals alone holds its accounts to where they were, and writes nothing', async () => {
  const account = await accountInDatabase()
  await writeBatch(pool, batchOf(account, []))
  await assertNothingWritten(batchOf({ ...account, lastSeq: 3 }, []), [account], 'conflict')
  await writeBatch(pool, { accounts: [], lines: [] })
})

test('a batch that was decided on what another would leave stands only if that one was written', async () => {
  const [account, other] = [await accountInDatabase(), await accountInDatabase()]
  const behind = (seq: number) =>
    batchOf({ ...account, lastSeq: seq }, [{ ...PLAIN_ENTRY, seq: seq + 1 }])
  const client = await pool.connect()
  try {
    await writeBatch(client, batchOf(other, [PLAIN_ENTRY]), { behind: null, own: '1' })
    // Another node is first, with just as many lines.
    await writeBatch(pool, behind(0))
    const conflict = (error: unknown) => classifyDatabaseError(error) === 'conflict'
    await assert.rejects(writeBatch(client, behind(0), { behind: '1', own: '2' }), conflict)
    await assert.rejects(writeBatch(client, behind(1), { behind: '2', own: '3' }), conflict)
    await assert.rejects(writeBatch(client, behind(2), { behind: '3', own: '4' }), conflict)
    const [stored] = await readAccounts(pool, [account.tenantNo])
    assert.equal(stored!.lastSeq, 1)
    await writeBatch(client, behind(1), { behind: null, own: '5' })
    await writeBatch(client, behind(2), { behind: '5', own: '6' })
    await writeBatch(client, behind(3), { behind: '6', own: '7' })
  } finally {
    client.release()
  }
})

test('of two writers on one account the second waits for the first, and then finds it moved', async () => {
  const account = await accountInDatabase()
  const batch = batchOf(account, [PLAIN_ENTRY])
  let second: Promise<unknown> = Promise.resolve()
  await inTransaction(pool, async (client) => {
    await writeBatch(client, batch)
    second = writeBatch(pool, batch).then(
      () => 'written',
      (error: unknown) => classifyDatabaseError(error),
    )
    await untilOneWaits()
  })
  assert.equal(await second, 'conflict')
})

test('locked accounts wait for whoever writes them, and are read as that leaves them', async () => {
  const account = await accountInDatabase()
  let locked: Promise<Account[]> = Promise.resolve([])
  await inTransaction(pool, async (client) => {
    await writeBatch(client, batchOf(account, [PLAIN_ENTRY]))
    locked = lockAccounts(pool, [account.tenantNo, 999_999])
    await untilOneWaits()
  })
  assert.deepEqual(await locked, [{ ...account, lastSeq: 1 }])
})

test('pages of a log follow each other without a gap', async () => {
  const account = await accountInDatabase()
  const lines = Array.from({ length: 25 }, (_, index) => ({ ...PLAIN_ENTRY, seq: index + 1 }))
  await writeBatch(pool, batchOf(account, lines))
  const seqs = (page: Entry[]) => page.map(({ seq }) => seq)
  const { tenantNo } = account
  assert.deepEqual(seqs(await readEntriesBackward(pool, tenantNo, null, 3)), [25, 24, 23])
  assert.deepEqual(seqs(await readEntriesBackward(pool, tenantNo, 23, 3)), [22, 21, 20])
  assert.deepEqual(seqs(await readEntriesBackward(pool, tenantNo, 2, 3)), [1])
  assert.deepEqual(seqs(await readEntriesForward(pool, tenantNo, 0, 3)), [1, 2, 3])
  assert.deepEqual(seqs(await readEntriesForward(pool, tenantNo, 24, 3)), [25])
  assert.equal(await readEntry(pool, tenantNo, 26), null)
})

function untilOneWaits(): Promise<unknown> {
  return until('a statement to wait for a lock', async () => {
    const { rowCount } = await pool.query(`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`)
    return rowCount
  })
}

function joined(parts: Batch[]): Batch {
  return {
    accounts: parts.flatMap(({ accounts }) => accounts),
    lines: parts.flatMap(({ lines }) => lines),
  }
}

async function assertNothingWritten(
  batch: Batch,
  accounts: Account[],
  failure: string,
): Promise<void> {
  const counts = () =>
    pool.query('SELECT (SELECT count(*) FROM entry), (SELECT count(*) FROM event_key) AS keys')
  const before = await counts()
  await assert.rejects(writeBatch(pool, batch), (error) => {
    assert.equal(classifyDatabaseError(error), failure)
    return true
  })
  assert.deepEqual((await counts()).rows, before.rows)
  const numbers = accounts.map(({ tenantNo }) => tenantNo)
  const stored = await readAccounts(pool, numbers)
  const byNumber = (a: Account, b: Account) => a.tenantNo - b.tenantNo
  assert.deepEqual(stored.sort(byNumber), [...accounts].sort(byNumber))
}
