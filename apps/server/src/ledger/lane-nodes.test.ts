import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { micros } from '../../test/ledger-accounts.ts'
import { callOf, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import { connectionOptions } from '../db/pool.ts'
import { LANE_PIPELINE_EVENTS_MIN } from '../limits.ts'
import { Ledger } from './ledger.ts'
import { readAccounts } from './store.ts'
import type { Receipt } from './submission.ts'

const database = await testDatabase()
const rooms = [await ledgerRoom(database), await ledgerRoom(database)] as const
const [here, there] = rooms
after(async () => {
  await Promise.all(rooms.map((room) => room.close()))
  await database.drop()
})

type Recorded = Extract<Receipt, { refusal: null }>

test('two nodes, the same tenants, the same keys: each key is charged once, to the last credit', async () => {
  const CREDITS = 95
  const KEYS = 120
  const tenantNos = await here.tenants(6, 'prepaid', CREDITS)
  const sent: { tenantNo: number; key: string; receipt: Promise<Recorded> }[] = []
  for (let index = 0; index < KEYS; index += 1) {
    for (const tenantNo of tenantNos) {
      // Every key on both nodes, and every third one twice on each.
      for (const { ledger } of index % 3 === 0 ? [...rooms, ...rooms] : rooms) {
        const key = `race ${index}`
        const receipt = recorded(ledger.submit(tenantNo, null, callOf(), keyOf(key)))
        sent.push({ tenantNo, key, receipt })
      }
    }
    // What has gathered goes out in many batches, not in one.
    if (index % 8 === 0) await sent.at(-1)!.receipt
  }
  const answers = await Promise.all(
    sent.map(async ({ tenantNo, key, receipt }) => ({ tenantNo, key, ...(await receipt) })),
  )

  for (const tenantNo of tenantNos) {
    const own = answers.filter((answer) => answer.tenantNo === tenantNo)
    const byKey = Map.groupBy(own, ({ key }) => key)
    for (const same of byKey.values()) {
      assert.equal(new Set(same.map(({ entry }) => entry.seq)).size, 1)
      assert.equal(same.filter(({ replayed }) => !replayed).length, 1)
    }
    const firsts = own.filter(({ replayed }) => !replayed)
    assert.equal(firsts.length, KEYS)
    assert.equal(firsts.filter(({ entry }) => entry.reason === null).length, CREDITS)
    const seqs = firsts.map(({ entry }) => entry.seq).sort((a, b) => a - b)
    assert.deepEqual(
      seqs,
      seqs.map((_, index) => index + 3),
    )
  }
  const accounts = await readAccounts(here.pool, tenantNos)
  for (const account of accounts) {
    assert.deepEqual([account.balance, account.lastSeq], [0n, 2 + KEYS])
    assert.equal(account.counters.used, micros(CREDITS))
    assert.equal(account.counters.denied, KEYS - CREDITS)
  }
  assert.deepEqual(await here.differences(), [])
})

test('two nodes, one tenant, batches of one size: none is taken for that of the other node', async () => {
  const SIZE = LANE_PIPELINE_EVENTS_MIN
  const ROUNDS = 40
  const [tenantNo] = (await here.tenants(1, 'open')) as [number]
  const send = (room: typeof here, name: string, batches: number, quantity: number) =>
    Array.from({ length: batches * SIZE }, (_, index) => {
      const call = callOf(1, { quantity: micros(quantity) })
      return recorded(room.ledger.submit(tenantNo, null, call, keyOf(`${name} ${index}`)))
    })
  for (let round = 0; round < ROUNDS; round += 1) {
    // Two and more of one node are on their way while the other's comes between.
    await Promise.all([
      ...send(here, `here ${round}`, 3, 2),
      ...send(there, `there ${round}`, 1 + (round % 3), 5),
    ])
  }
  const [account] = await readAccounts(here.pool, [tenantNo])
  const theirs = Array.from({ length: ROUNDS }, (_, round) => 1 + (round % 3))
  const batches = theirs.reduce((sum, one) => sum + one, 0)
  assert.equal(account!.counters.used, micros(SIZE * (3 * ROUNDS * 2 + batches * 5)))
  assert.deepEqual(await here.differences(), [])
})

test('two nodes, many tenants in batches that cross: no deadlock costs an answer', async () => {
  const tenantNos = await here.tenants(200, 'prepaid', 50)
  const receipts: Promise<Recorded>[] = []
  for (let round = 0; round < 6; round += 1) {
    const order = (ledger: typeof here.ledger, numbers: number[], name: string) => {
      for (const tenantNo of numbers) {
        receipts.push(recorded(ledger.submit(tenantNo, null, callOf(), keyOf(`${name} ${round}`))))
      }
    }
    order(here.ledger, tenantNos, 'here')
    order(there.ledger, [...tenantNos].reverse(), 'there')
    await receipts.at(-1)
  }
  const answers = await Promise.all(receipts)
  assert.ok(answers.every(({ entry, replayed }) => entry.reason === null && !replayed))
  const accounts = await readAccounts(here.pool, tenantNos)
  assert.ok(accounts.every(({ balance }) => balance === micros(50 - 12)))
  assert.deepEqual(await here.differences(), [])
})

test('what one node changes holds for the next call on the other, which believed otherwise', async () => {
  const [tenantNo] = (await here.tenants(1, 'prepaid', 5)) as [number]
  const call = (name: string) =>
    recorded(there.ledger.submit(tenantNo, null, callOf(), keyOf(name)))
  const change = (name: string, what: object) =>
    here.ledger.submit(tenantNo, null, { kind: 'change', change: what }, keyOf(name))

  assert.equal((await call('first')).entry.reason, null)
  await change('off', { status: 'suspended' })
  assert.equal((await call('second')).entry.reason, 'tenant_suspended')
  await change('on', { status: 'active' })
  assert.equal((await call('third')).entry.remaining, micros(3))
  await change('plan', { planVersionNo: here.catalog.latestPlan('tight')!.planVersionNo })
  const reasons = []
  for (const name of ['a', 'b', 'c']) reasons.push((await call(name)).entry.reason)
  assert.deepEqual(reasons, [null, null, 'rate_limited'])
})

test('an order that has failed once is decided under a lock: no other node moves its account again', async () => {
  const [tenantNo] = (await here.tenants(1, 'prepaid', 5)) as [number]
  await here.ledger.submit(tenantNo, null, callOf(), keyOf('known'))
  const rival = new pg.Client({ ...connectionOptions(database.url), lock_timeout: 100 })
  await rival.connect()
  const move = () =>
    rival.query('UPDATE account SET last_seq = last_seq WHERE tenant_no = $1', [tenantNo])
  const rivals: Promise<unknown>[] = []
  const ledger = new Ledger({
    catalog: here.catalog,
    clock: here.clock,
    onError: () => {},
    async connect() {
      const client = new pg.Client({ ...connectionOptions(database.url), pipeline: true })
      await client.connect()
      const query = client.query.bind(client) as (statement: unknown) => Promise<unknown>
      let locked = false
      const watched = async (statement: { name?: string }) => {
        if (locked && statement.name === 'write_batch') rivals.push(move())
        await Promise.allSettled(rivals)
        const result = await query(statement)
        locked ||= statement.name === 'lock_accounts'
        return result
      }
      return Object.assign(client, { query: watched })
    },
  })
  // The known key makes the batch fail; the other order fails with it and is decided again.
  const [known, fresh] = await Promise.all([
    recorded(ledger.submit(tenantNo, null, callOf(), keyOf('known'))),
    recorded(ledger.submit(tenantNo, null, callOf(), keyOf('fresh'))),
  ])
  assert.deepEqual([known.replayed, fresh.replayed], [true, false])
  const [first] = await Promise.allSettled(rivals)
  assert.equal(first?.status === 'rejected' && first.reason.code, '55P03')
  await ledger.close()
  await rival.end()
})

test('a hold that is settled on one node and released on the other is closed once', async () => {
  const [tenantNo] = (await here.tenants(1, 'prepaid', 100)) as [number]
  for (let round = 0; round < 10; round += 1) {
    const hold = { kind: 'hold', credits: micros(5), lastsMs: 60_000 } as const
    const { entry } = await recorded(
      here.ledger.submit(tenantNo, null, hold, keyOf(`hold ${round}`)),
    )
    const holdSeq = entry.seq
    const settlement = {
      kind: 'settlement',
      holdSeq,
      credits: micros(2),
      allowMore: false,
    } as const
    const answers = await Promise.all([
      here.ledger.submit(tenantNo, null, settlement, keyOf(`settle ${round}`)),
      there.ledger.submit(tenantNo, null, { kind: 'release', holdSeq }, keyOf(`free ${round}`)),
    ])
    const refusals = answers.map(({ refusal }) => refusal).sort()
    assert.deepEqual(refusals, ['hold_not_open', null].sort())
  }
  const [account] = await readAccounts(here.pool, [tenantNo])
  assert.equal(account!.held, 0n)
  assert.deepEqual(await here.differences(), [])
})
