import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { testDatabase } from '../../test/database.ts'
import { callOf, differences, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import type { Order } from './command-of.ts'
import { limitKey } from './key-limits.ts'
import { readEntriesForward } from './store.ts'
import { verifyLog } from './verify.ts'
import { voidedCall } from './void-verb.ts'

const database = await testDatabase()
const room = await ledgerRoom(database)
const { ledger, pool, catalog } = room
after(async () => {
  await room.close()
  await database.drop()
})

const [KEY, OTHER] = [31, 32]
let submitted = 0
function submit(tenantNo: number, order: Order, senderNo: number) {
  submitted += 1
  return recorded(ledger.submit(tenantNo, senderNo, order, keyOf(`line ${submitted}`)))
}

/** Calls of two keys with limits, one denied and one voided, with numbers that the cases below name. */
async function history(): Promise<number> {
  const [tenantNo] = (await room.tenants(1, 'open')) as [number]
  await limitKey(ledger, tenantNo, null, KEY, 2) // line 2
  await limitKey(ledger, tenantNo, null, OTHER, 5) // 3
  await submit(tenantNo, callOf(), KEY) // 4
  await submit(tenantNo, callOf(), KEY) // 5
  await submit(tenantNo, callOf(), KEY) // 6: denied
  await submit(tenantNo, callOf(), OTHER) // 7
  const [voided] = await readEntriesForward(pool, tenantNo, 4, 1)
  await submit(tenantNo, { kind: 'void', voided: voidedCall(voided!), reason: 'wrong' }, OTHER) // 8
  await submit(tenantNo, callOf(), KEY) // 9: the void made room
  await limitKey(ledger, tenantNo, null, OTHER, null) // 10
  return tenantNo
}

test('a log with limits of keys is decided again as it was', async () => {
  const tenantNo = await history()
  const lines = await readEntriesForward(pool, tenantNo, 3, 6)
  assert.deepEqual(
    lines.map(({ reason }) => reason),
    [null, null, 'key_limit_exceeded', null, null, null],
  )
  assert.deepEqual(await differences(pool, catalog), [])
})

const line = (seq: number, set: string) =>
  `UPDATE entry SET ${set} WHERE tenant_no = $1 AND seq = ${seq}`
const state = (path: string, value: string) =>
  `UPDATE account SET state = jsonb_set(state::jsonb, '${path}', '${value}')::json WHERE tenant_no = $1`

/** What is done to the tenant's rows, and which line (null: none) and words must be told of it. */
const TAMPERINGS: Record<string, [statement: string, seq: number | null, words: RegExp]> = {
  'a limit that was raised': [line(2, `detail = '{"key_no": 31, "key_limit": 3}'`), 6, /^reason/],
  'a limit that was lowered': [line(2, `detail = '{"key_no": 31, "key_limit": 1}'`), 5, /^reason/],
  'a limit that was lifted': [
    line(2, `detail = '{"key_no": 31, "key_limit": null}'`),
    6,
    /^reason/,
  ],
  'a limit given to another key': [
    line(2, `detail = '{"key_no": 33, "key_limit": 2}'`),
    6,
    /^reason/,
  ],
  'a limit that is no amount': [
    line(2, `detail = '{"key_no": 31, "key_limit": "many"}'`),
    2,
    /^detail|cannot be decided again/,
  ],
  'a limit that was made another change': [line(2, `detail = '{"region": null}'`), 6, /^reason/],
  'a limit that was lifted and is there again': [
    line(10, `detail = '{"key_no": 32, "key_limit": 5}'`),
    null,
    /^the account is/,
  ],
  'who sent a call': [line(4, 'sender_no = 32'), 6, /^reason/],
  'who sent a call that was voided': [line(5, 'sender_no = NULL'), 6, /^reason/],
  'a denial under a limit made an allowance': [
    line(6, 'reason = 0, counted = true'),
    6,
    /^reason is null/,
  ],
  'a denial put down to a limit': [line(7, 'reason = 7'), 7, /^reason is "key_limit_exceeded"/],
  'what a key used, in the account': [state('{keys,0,2}', '"0"'), null, /^the account is/],
  'the limit of a key, in the account': [state('{keys,0,1}', '"9000000"'), null, /^the account is/],
  'all limits, in the account': [
    `UPDATE account SET state = (state::jsonb - 'keys')::json WHERE tenant_no = $1`,
    null,
    /^the account is/,
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

async function differencesOf(tenantNo: number) {
  const client = await pool.connect()
  try {
    return (await verifyLog(client, catalog, tenantNo)).differences
  } finally {
    client.release()
  }
}
