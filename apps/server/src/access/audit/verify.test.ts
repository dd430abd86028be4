import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { auditRoom } from '../../../test/audit-room.ts'
import { hashOfHeads, headsText, parseHeads } from './heads.ts'

const room = await auditRoom()
const { pool, append } = room
after(() => room.close())

const LINES = 8
let chains = 0

/** A chain of eight lines with every column filled. */
async function chain(): Promise<number> {
  chains += 1
  for (let line = 1; line <= LINES; line += 1) {
    await append({
      tenantNo: chains,
      actor: { kind: 'member', id: 'mem_1', address: '192.0.2.7', requestId: `req-${line}` },
      before: { name: 'a' },
      after: { name: 'b' },
      logSeq: line + 10,
    })
  }
  return chains
}

/** As somebody does who owns the tables: without the triggers. */
async function tamper(...statements: string[]): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN')
    for (const table of ['audit', 'audit_head'])
      await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`)
    for (const statement of statements) await client.query(statement)
    for (const table of ['audit', 'audit_head'])
      await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`)
    await client.query('COMMIT')
  } finally {
    client.release()
  }
}

const of = (tenantNo: number) => async () =>
  (await room.differences()).filter((one) => one.tenantNo === tenantNo)

const CHANGES: Record<string, string> = {
  recorded_at: "recorded_at + interval '1 microsecond'",
  actor_kind: "'system'",
  actor_id: "'mem_2'",
  action: "'thing.changes'",
  object_kind: "'Thing'",
  object_id: 'NULL',
  address: "'192.0.2.8'",
  request_id: "''",
  before: '\'{"name":"c"}\'',
  after: '\'{"name": "b"}\'',
  log_seq: '99',
  hash: "decode(repeat('ab', 32), 'hex')",
}

for (const [column, value] of Object.entries(CHANGES)) {
  test(`a changed ${column} is found, and the line is named`, async () => {
    const tenantNo = await chain()
    await tamper(`UPDATE audit SET ${column} = ${value} WHERE tenant_no = ${tenantNo} AND seq = 5`)
    const found = await of(tenantNo)()
    assert.equal(found[0]!.seq, 5n)
    assert.match(found[0]!.what, /does not fit its hash/)
    assert.ok(found.length <= 2, 'the lines after it are not blamed for it')
  })
}

test('every column is covered by the hash, but for the number in the order of all lines', async () => {
  const { rows } = await pool.query(
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit'",
  )
  const others = ['audit_no', 'tenant_no', 'seq']
  const columns = rows.map(({ column_name }) => column_name)
  assert.deepEqual(columns.sort(), [...Object.keys(CHANGES), ...others].sort())
})

test('a time that no program writes is a difference and not the end of verify', async () => {
  const tenantNo = await chain()
  await tamper(
    `UPDATE audit SET recorded_at = 'infinity' WHERE tenant_no = ${tenantNo} AND seq = 2`,
  )
  assert.deepEqual(
    (await of(tenantNo)()).map(({ seq }) => seq),
    [2n],
  )
})

test('lines that are missing are named, wherever they were', async () => {
  for (const [seqs, first, what] of [
    ['1', 1n, /^is missing$/],
    ['4', 4n, /^is missing$/],
    ['3, 4, 5', 3n, /^is missing, and so are those to 5$/],
    ['8', 8n, /^is missing$/],
    ['6, 7, 8', 6n, /^is missing, and so are those to 8$/],
    ['1, 2, 3, 4, 5, 6, 7, 8', 1n, /^is missing, and so are those to 8$/],
  ] as const) {
    const tenantNo = await chain()
    await tamper(`DELETE FROM audit WHERE tenant_no = ${tenantNo} AND seq IN (${seqs})`)
    const found = await of(tenantNo)()
    assert.deepEqual(
      found.map(({ seq }) => seq),
      [first],
      seqs,
    )
    assert.match(found[0]!.what, what)
  }
})

test('a line that was put in is found: at the end, at the beginning, and between others', async () => {
  const insert = (tenantNo: number, seq: number) =>
    `INSERT INTO audit (tenant_no, seq, recorded_at, actor_kind, action, object_kind, hash)
     SELECT tenant_no, ${seq}, recorded_at, actor_kind, action, object_kind, hash
     FROM audit WHERE tenant_no = ${tenantNo} AND seq = 8`
  const shift = (tenantNo: number) =>
    `UPDATE audit SET seq = seq + 1 WHERE tenant_no = ${tenantNo} AND seq = `

  const atEnd = await chain()
  await tamper(insert(atEnd, 9))
  assert.match((await of(atEnd)()).at(-1)!.what, /was put in: the chain ends with line 8/)
  const before = await chain()
  await tamper(insert(before, 0))
  assert.match((await of(before)())[0]!.what, /the number 0, which was put in/)
  const between = await chain()
  const moves = [8, 7, 6, 5].map((seq) => `${shift(between)}${seq}`)
  const moved = `UPDATE audit_head SET last_seq = 9 WHERE tenant_no = ${between}`
  await tamper(...moves, insert(between, 5).replace('seq = 8', 'seq = 9'), moved)
  assert.deepEqual(
    (await of(between)()).map(({ seq }) => seq),
    [5n, 6n, 7n, 8n, 9n],
  )
})

test('lines that changed places are found', async () => {
  const tenantNo = await chain()
  const place = (from: number, to: number) =>
    `UPDATE audit SET seq = ${to} WHERE tenant_no = ${tenantNo} AND seq = ${from}`
  await tamper(place(3, 100), place(4, 3), place(100, 4))
  const found = (await of(tenantNo)()).map(({ seq }) => seq)
  assert.deepEqual(found.slice(0, 2), [3n, 4n])
})

test("a line that was moved to another tenant's chain is found in both", async () => {
  const [one, other] = [await chain(), await chain()]
  await tamper(
    `UPDATE audit SET tenant_no = ${other}, seq = 9, log_seq = NULL WHERE tenant_no = ${one} AND seq = 8`,
  )
  assert.equal((await of(one)()).length, 1)
  assert.ok((await of(other)()).length >= 1)
})

test('a head that was set back with the end of its chain leaves a chain that is whole, unless a head was kept', async () => {
  const tenantNo = await chain()
  const { heads } = await room.verify()
  await tamper(
    `DELETE FROM audit WHERE tenant_no = ${tenantNo} AND seq > 6`,
    `UPDATE audit_head AS h SET last_seq = 6, last_hash = a.hash FROM audit AS a
     WHERE h.tenant_no = ${tenantNo} AND a.tenant_no = ${tenantNo} AND a.seq = 6`,
  )
  assert.deepEqual(await of(tenantNo)(), [])
  const found = await room.differences(heads)
  const ours = found.filter((one) => one.tenantNo === tenantNo)
  assert.deepEqual(
    ours.map(({ seq }) => seq),
    [8n],
  )
  assert.match(ours[0]!.what, /is gone since its head was kept/)
})

test('a head without its lines, another hash in it, and lines without a head are found', async () => {
  const [cut, other, headless] = [await chain(), await chain(), await chain()]
  await tamper(
    `UPDATE audit_head SET last_seq = 20 WHERE tenant_no = ${cut}`,
    `UPDATE audit_head SET last_hash = '\\x00' WHERE tenant_no = ${other}`,
    `DELETE FROM audit_head WHERE tenant_no = ${headless}`,
  )
  assert.match((await of(cut)())[0]!.what, /is missing, and so are those to 20/)
  assert.match((await of(other)())[0]!.what, /another hash than the head/)
  assert.match((await of(headless)())[0]!.what, /has no head/)
})

test('heads that were kept stay good while the chains grow', async () => {
  const tenantNo = await chain()
  const { heads } = await room.verify()
  const kept = headsText(heads.filter((head) => head.tenantNo === tenantNo))
  assert.match(hashOfHeads(kept), /^[0-9a-f]{64}$/)
  await append({ tenantNo })
  await append({ tenantNo: tenantNo + 1_000 })
  const since = (await room.differences(parseHeads(kept)!)).filter(({ what }) => /kept/.test(what))
  assert.deepEqual(since, [])
})

test('a file that holds no heads is not taken for one', () => {
  const good = `0 1 ${'a'.repeat(64)}\n`
  assert.equal(parseHeads(good)!.length, 1)
  for (const bad of ['', '\n', good.trim(), `${good}\n`, good.toUpperCase(), `x ${good}`, '{}']) {
    assert.equal(parseHeads(bad), null, JSON.stringify(bad))
  }
})
