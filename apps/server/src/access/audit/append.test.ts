import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import pg from 'pg'
import { inParallel } from '../../../test/api-parallel.ts'
import { auditRoom } from '../../../test/audit-room.ts'
import { inTransaction } from '../../db/pool.ts'
import { appendAudit } from './append.ts'

const room = await auditRoom()
const { pool, append, lines } = room
after(() => room.close())

test('lines of a chain are numbered without gaps, and each tenant has a chain of its own', async () => {
  for (const tenantNo of [1, null, 1, 2, 1]) await append({ tenantNo })
  const seqs = async (tenantNo: number) => (await lines(tenantNo)).map(({ seq }) => Number(seq))
  assert.deepEqual(await seqs(1), [1, 2, 3])
  assert.deepEqual(await seqs(2), [1])
  assert.deepEqual(await seqs(0), [1])
  assert.deepEqual(await room.differences(), [])
})

test('a line says who, what, whom, when, from where, before and after', async () => {
  const actor = { kind: 'member', id: 'mem_1', address: '192.0.2.7', requestId: 'req-1' } as const
  await append({
    tenantNo: 3,
    actor,
    action: 'member.role_changed',
    object: { kind: 'member', id: 'mem_2' },
    before: { role: 'viewer' },
    after: { role: 'owner' },
    logSeq: 7,
    recordedAt: Date.parse('2026-03-10T12:00:00.123Z'),
  })
  const [line] = await lines(3)
  const { audit_no, hash, ...told } = line!
  assert.ok(audit_no > 0n)
  assert.equal(hash.length, 32)
  assert.deepEqual(told, {
    tenant_no: 3,
    seq: 1n,
    recorded_at: Date.parse('2026-03-10T12:00:00.123Z'),
    actor_kind: 'member',
    actor_id: 'mem_1',
    action: 'member.role_changed',
    object_kind: 'member',
    object_id: 'mem_2',
    address: '192.0.2.7',
    request_id: 'req-1',
    before: { role: 'viewer' },
    after: { role: 'owner' },
    log_seq: 7n,
  })
})

test('lines that are added at once to one chain queue: none is lost, none numbered twice', async () => {
  await inParallel(Array.from({ length: 200 }), 10, (_, index) =>
    append({ tenantNo: 4, object: { kind: 'key', id: `key_${index}` } }),
  )
  const found = await lines(4)
  assert.deepEqual(
    found.map(({ seq }) => Number(seq)),
    Array.from({ length: 200 }, (_, index) => index + 1),
  )
  assert.equal(new Set(found.map(({ object_id }) => object_id)).size, 200)
  assert.deepEqual(await room.differences(), [])
})

test('a change that is undone leaves no line, and no gap', async () => {
  await append({ tenantNo: 5 })
  const undone = inTransaction(pool, async (db) => {
    await appendAudit(db, room.actor, { ...room.entry, tenantNo: 5 })
    throw new Error('undone')
  })
  await assert.rejects(undone, /undone/)
  await append({ tenantNo: 5 })
  assert.equal((await lines(5)).length, 2)
  assert.deepEqual(await room.differences(), [])
})

test('a line of the log is told once, however often and at once its request is repeated', async () => {
  await inParallel(Array.from({ length: 20 }), 10, () => append({ tenantNo: 6, logSeq: 9 }))
  await append({ tenantNo: 6, logSeq: 10 })
  await append({ tenantNo: 7, logSeq: 9 })
  await append({ tenantNo: 6 })
  await append({ tenantNo: 6 })
  assert.deepEqual(
    (await lines(6)).map(({ log_seq }) => log_seq),
    [9n, 10n, null, null],
  )
  assert.equal((await lines(7)).length, 1)
  assert.deepEqual(await room.differences(), [])
})

test('text of every kind is kept to the letter, and hashes the same when it is read again', async () => {
  const texts = ['“ü” 💶 \u2028', '\\u0000', 'a"b', "'; DROP TABLE audit; --", '\n\r\t\u0001', '']
  for (const text of texts) {
    await append({
      tenantNo: 8,
      object: { kind: 'service', id: text },
      after: { [text]: text, 2: 'two', 1: 'one', deep: { numbers: [1e-7, 0.1, 2 ** 53] } },
    })
  }
  const found = await lines(8)
  assert.deepEqual(
    found.map(({ object_id }) => object_id),
    texts,
  )
  for (const [index, text] of texts.entries()) assert.equal(found[index]!.after[text], text)
  assert.deepEqual(await room.differences(), [])
})

test('the database refuses to change, delete or empty the log, also for the owner of the tables', async () => {
  await append({ tenantNo: 9 })
  await append({ tenantNo: 9 })
  for (const statement of [
    "UPDATE audit SET action = 'x'",
    "UPDATE audit SET action = 'x' WHERE false",
    'DELETE FROM audit',
    'DELETE FROM audit WHERE tenant_no = 9 AND seq = 2',
    'TRUNCATE audit',
    'TRUNCATE audit, audit_head CASCADE',
    'DELETE FROM audit_head',
    'TRUNCATE audit_head',
    'UPDATE audit_head SET last_seq = 1 WHERE tenant_no = 9',
    'UPDATE audit_head SET last_seq = 4 WHERE tenant_no = 9',
    "UPDATE audit_head SET last_hash = '\\x00' WHERE tenant_no = 9",
    'UPDATE audit_head SET tenant_no = 999 WHERE tenant_no = 9',
  ]) {
    await assert.rejects(pool.query(statement), /the audit log is append-only/, statement)
  }
  const { rows } = await pool.query(
    "SELECT tableowner = current_user AS own FROM pg_tables WHERE tablename = 'audit'",
  )
  assert.deepEqual(rows, [{ own: true }])
  assert.equal((await lines(9)).length, 2)
})

test('a connection that dies between a change and its line leaves neither', async () => {
  const client = new pg.Client({ connectionString: room.url })
  client.on('error', () => undefined)
  await client.connect()
  await client.query('BEGIN')
  await appendAudit(client, room.actor, { ...room.entry, tenantNo: 10 })
  const waits = append({ tenantNo: 10, action: 'after.crash' })
  await pool.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND state = 'idle in transaction'`,
  )
  await waits
  assert.deepEqual(
    (await lines(10)).map(({ seq, action }) => [seq, action]),
    [[1n, 'after.crash']],
  )
  await client.end().catch(() => undefined)
})
