import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runTollgate } from './api-process.ts'
import { testDatabase } from './database.ts'
import { nodeOn } from './node.ts'

const database = await testDatabase()
const node = await nodeOn(database)
const folder = mkdtempSync(join(tmpdir(), 'tollgate-verify-'))
after(async () => {
  await node.stop()
  await database.drop()
  rmSync(folder, { recursive: true })
})
const env = { DATABASE_URL: database.url }
const heads = join(folder, 'heads')

test('lines and chains are counted, and the heads have a hash that sha256sum gives as well', async (t) => {
  await node.tenant()
  await node.service()
  const { code, out } = await runTollgate(t, ['verify', '--save-heads', heads], env)
  assert.equal(code, 0, out)
  assert.match(out, /^\d+ lines of 1 logs verified, 0 differences$/m)
  assert.match(out, /^4 audit lines of 2 chains verified, 0 differences$/m)
  const [, told] = /^audit heads ([0-9a-f]{64})$/m.exec(out)!
  assert.equal(told, createHash('sha256').update(readFileSync(heads)).digest('hex'))
  assert.equal(readFileSync(heads, 'utf8').split('\n').length, 3)
})

test('rollups that differ from their log are told, and rebuild mends them beside a node that serves', async (t) => {
  const { pool } = node.server
  const { id, key } = await node.tenant()
  assert.equal((await node.call('POST', '/api/track', key, { endpoint: '/x' })).status, 200)
  assert.equal((await runTollgate(t, ['rebuild'], env)).code, 0)
  await pool.query(
    `UPDATE usage_hour SET calls = calls + 1 FROM tenant AS t
     WHERE usage_hour.tenant_no = t.tenant_no AND t.tenant_id = $1 AND dimension = 0`,
    [id],
  )
  const wrong = await runTollgate(t, ['verify'], env)
  assert.equal(wrong.code, 1)
  assert.match(wrong.out, /usage by total in the hour .*: calls is 2, by the log 1$/m)
  assert.match(wrong.out, /tollgate rebuild/)
  assert.equal((await runTollgate(t, ['rebuild'], env)).code, 0)
  const mended = await runTollgate(t, ['verify'], env)
  assert.equal(mended.code, 0, mended.out)
  assert.match(mended.out, /^\d+ rollups of \d+ tenants verified, 0 differences$/m)
})

test('heads that were saved are still there when the chains have grown', async (t) => {
  await node.tenant()
  const { code, out } = await runTollgate(t, ['verify', '--heads', heads], env)
  assert.equal(code, 0, out)
})

test('an audit log that was written anew with all its hashes is found by heads that were saved', async (t) => {
  const saved = readFileSync(heads, 'utf8')
  const forged = join(folder, 'forged')
  writeFileSync(forged, saved.replace(/[0-9a-f]{64}/, 'ab'.repeat(32)))
  const { code, out } = await runTollgate(t, ['verify', '--heads', forged], env)
  assert.equal(code, 1)
  assert.match(out, /audit, line 2: has another hash since its head was kept/)
})

test('a file that holds no heads, or is not there, is told in a sentence', async (t) => {
  const other = join(folder, 'other')
  writeFileSync(other, 'hello\n')
  for (const [file, words] of [
    [other, /holds no heads/],
    [join(folder, 'none'), /cannot be read/],
  ] as const) {
    const { code, logs } = await runTollgate(t, ['verify', '--heads', file], env)
    assert.equal(code, 1)
    assert.match(logs, words)
    assert.doesNotMatch(logs, /^\s+at /m)
  }
})

test('a changed audit line is named, the exit code is 1, and heads that were saved are not written over', async (t) => {
  const { pool } = node.server
  const { rows } = await pool.query('SELECT tenant_no FROM tenant ORDER BY 1 LIMIT 1')
  await pool.query('ALTER TABLE audit DISABLE TRIGGER USER')
  await pool.query("UPDATE audit SET action = 'x' WHERE tenant_no = $1 AND seq = 2", [
    rows[0].tenant_no,
  ])
  await pool.query('ALTER TABLE audit ENABLE TRIGGER USER')
  const before = readFileSync(heads)
  const { code, out, logs } = await runTollgate(t, ['verify', '--save-heads', heads], env)
  assert.equal(code, 1)
  assert.match(
    out,
    new RegExp(`^audit of tenant number ${rows[0].tenant_no}, line 2: does not fit its hash`, 'm'),
  )
  assert.match(logs, /heads were not saved/)
  assert.deepEqual(readFileSync(heads), before)
})
