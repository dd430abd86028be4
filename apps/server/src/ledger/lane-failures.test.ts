import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { testDatabase } from '../../test/database.ts'
import { until } from '../../test/embedded.ts'
import { micros } from '../../test/ledger-accounts.ts'
import { answerOf, callOf, keyOf, ledgerRoom, recorded } from '../../test/ledger-room.ts'
import { connectionOptions } from '../db/pool.ts'
import { LANE_QUEUE_EVENTS_MAX } from '../limits.ts'
import { Ledger } from './ledger.ts'
import { readAccounts, readEntriesForward } from './store.ts'
import type { Receipt } from './submission.ts'

const database = await testDatabase()
const room = await ledgerRoom(database)
const { pool, catalog, clock } = room
after(async () => {
  await room.close()
  await database.drop()
})

/** A ledger whose connections a test can look into. */
function ledgerOn(connect: () => Promise<pg.Client>, errors: unknown[] = []): Ledger {
  return new Ledger({ connect, catalog, clock, onError: (error) => errors.push(error) })
}

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionOptions(database.url), pipeline: true })
  client.on('error', () => {})
  await client.connect()
  return client
}

test('an event that the database will not take fails alone; those in its batch are committed', async () => {
  const tenantNos = await room.tenants(40, 'prepaid', 10)
  const poisoned = tenantNos[17]!
  await pool.query(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'not this one'; END $$;
    CREATE TRIGGER refuse_one BEFORE INSERT ON entry
      FOR EACH ROW WHEN (NEW.tenant_no = ${poisoned} AND NEW.endpoint = '/poison')
      EXECUTE FUNCTION refuse()`)
  const errors: unknown[] = []
  const ledger = ledgerOn(connect, errors)
  try {
    const answers = await Promise.all(
      tenantNos.flatMap((tenantNo) =>
        ['/convert', '/poison', '/convert'].map(async (endpoint, index) => ({
          tenantNo,
          endpoint,
          answer: await answerOf(
            ledger.submit(tenantNo, null, callOf(1, { endpoint }), keyOf(`${endpoint} ${index}`)),
          ),
        })),
      ),
    )
    for (const { tenantNo, endpoint, answer } of answers) {
      if (tenantNo === poisoned && endpoint === '/poison') assert.equal(answer, 'internal_error')
      else assert.equal((answer as Receipt).refusal, null)
    }
    assert.ok(errors.every((error) => /not this one/.test(String(error))))
    assert.ok(errors.length > 0)
    const [account] = await readAccounts(pool, [poisoned])
    assert.deepEqual([account!.lastSeq, account!.balance], [4, micros(8)])
  } finally {
    await ledger.close()
    await pool.query('DROP FUNCTION refuse CASCADE')
  }
  assert.deepEqual(await room.differences(), [])
})

test('when connections are killed under load nothing that was answered is lost, and keys sent again are charged once', async () => {
  const [KEYS, KEYS_PER_PART] = [300, 20]
  const tenantNos = await room.tenants(10, 'prepaid', KEYS)
  const answered: { tenantNo: number; receipt: Receipt }[] = []
  let sentAgain = 0
  const sendUntilAnswered = async (tenantNo: number, key: string) => {
    for (;;) {
      const answer = await answerOf(room.ledger.submit(tenantNo, null, callOf(), keyOf(key)))
      if (typeof answer !== 'string') return answered.push({ tenantNo, receipt: answer })
      assert.equal(answer, 'database_unavailable')
      sentAgain += 1
    }
  }
  const killer = new pg.Client(connectionOptions(database.url))
  await killer.connect()
  for (let first = 0; first < KEYS; first += KEYS_PER_PART) {
    const part = Array.from({ length: KEYS_PER_PART }, (_, index) => `kill ${first + index}`)
    const send = () =>
      Promise.all(tenantNos.flatMap((no) => part.map((key) => sendUntilAnswered(no, key))))
    if ((first / KEYS_PER_PART) % 2 === 0) await killInTheMiddle(killer, tenantNos[3]!, send)
    else await Promise.all([send(), kill(killer)])
  }
  await killer.end()

  assert.ok(sentAgain > 0)
  for (const tenantNo of tenantNos) {
    const stored = await readEntriesForward(pool, tenantNo, 2, 10 * KEYS)
    assert.equal(stored.length, KEYS)
    const own = answered.filter((answer) => answer.tenantNo === tenantNo)
    assert.equal(new Set(own.map(({ receipt }) => receipt.entry!.seq)).size, KEYS)
    for (const { receipt } of own) {
      const { seq, credits, recordedAt } = receipt.entry!
      const line = stored.find((entry) => entry.seq === seq)
      assert.deepEqual([line?.credits, line?.recordedAt], [credits, recordedAt])
    }
  }
  const accounts = await readAccounts(pool, tenantNos)
  assert.ok(accounts.every(({ balance }) => balance === 0n))
  assert.deepEqual(await room.differences(), [])
})

/** A lock keeps the batch on its way until its connection is gone. */
async function killInTheMiddle(
  killer: pg.Client,
  tenantNo: number,
  send: () => Promise<unknown>,
): Promise<void> {
  await killer.query('BEGIN')
  await killer.query('UPDATE account SET last_seq = last_seq WHERE tenant_no = $1', [tenantNo])
  const sent = send()
  // Not by the killer: in a transaction it would be told the same each time.
  await until('a batch to wait for the lock', async () => {
    const { rowCount } = await pool.query(`SELECT FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`)
    return rowCount
  })
  await kill(killer)
  await killer.query('COMMIT')
  await sent
}

async function kill(killer: pg.Client): Promise<void> {
  await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()`)
}

test('a commit whose answer was lost is not known to have happened, and is replayed when sent again', async () => {
  const [tenantNo] = (await room.tenants(1, 'prepaid', 5)) as [number]
  let lose = true
  const ledger = ledgerOn(async () => {
    const client = await connect()
    const query = client.query.bind(client) as (statement: unknown) => Promise<unknown>
    const losing = async (statement: { name?: string }) => {
      const result = await query(statement)
      if (statement.name !== 'write_batch' || !lose) return result
      lose = false
      throw new Error('Connection terminated unexpectedly')
    }
    return Object.assign(client, { query: losing })
  })
  try {
    const first = await answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('lost')))
    assert.equal(first, 'database_unavailable')
    const again = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('lost')))
    assert.deepEqual([again.replayed, again.entry.seq], [true, 3])
    assert.equal((await readAccounts(pool, [tenantNo]))[0]!.balance, micros(4))
  } finally {
    await ledger.close()
  }
})

test('while the database cannot be reached everything is answered so, and later all goes on', async () => {
  const [tenantNo] = (await room.tenants(1, 'prepaid', 5)) as [number]
  let reachable = false
  const ledger = ledgerOn(async () => {
    if (reachable) return connect()
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  })
  try {
    const send = () => answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('kept')))
    assert.equal(await send(), 'database_unavailable')
    assert.equal(await send(), 'database_unavailable')
    reachable = true
    assert.equal(((await send()) as Receipt).replayed, false)
  } finally {
    await ledger.close()
  }
})

test('a full lane refuses at once, and what was accepted is carried out', async () => {
  const [tenantNo] = (await room.tenants(1, 'open')) as [number]
  const gate = Promise.withResolvers<void>()
  const ledger = ledgerOn(async () => {
    await gate.promise
    return connect()
  })
  const accepted = Array.from({ length: LANE_QUEUE_EVENTS_MAX }, (_, index) =>
    answerOf(ledger.submit(tenantNo, null, callOf(), keyOf(`full ${index}`))),
  )
  const beyond = await answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('beyond')))
  const follower = await answerOf(ledger.submit(tenantNo, null, callOf(), keyOf('full 0')))
  assert.deepEqual([beyond, follower], ['overloaded', 'overloaded'])
  assert.equal(ledger.meter.waiting, LANE_QUEUE_EVENTS_MAX)

  gate.resolve()
  const answers = await Promise.all(accepted)
  assert.ok(answers.every((answer) => typeof answer !== 'string' && answer.refusal === null))
  const later = await recorded(ledger.submit(tenantNo, null, callOf(), keyOf('beyond')))
  assert.equal(later.entry.seq, 2 + LANE_QUEUE_EVENTS_MAX)
  await ledger.close()
  assert.equal(ledger.meter.waiting, 0)
})

test('closing waits until everything that was accepted is answered', async () => {
  const tenantNos = await room.tenants(20, 'open')
  const ledger = ledgerOn(connect)
  const answers: (Receipt | string)[] = []
  for (let index = 0; index < 2_000; index += 1) {
    const submitted = ledger.submit(tenantNos[index % 20]!, null, callOf(), keyOf(`x ${index}`))
    void answerOf(submitted).then((answer) => answers.push(answer))
  }
  await ledger.close()
  // The promises of the last batch are settled by now; their callbacks run in the next turn.
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(answers.length, 2_000)
  assert.ok(answers.every((answer) => typeof answer !== 'string' && answer.refusal === null))
  const { rows } = await pool.query(
    'SELECT count(*)::int AS n FROM entry WHERE tenant_no = ANY($1) AND kind = 3',
    [tenantNos],
  )
  assert.equal(rows[0].n, 2_000)
})
