import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import pg from 'pg'
import { inParallel } from './api-parallel.ts'
import { runTollgate, startServing } from './api-process.ts'
import { rawConnection } from './api-raw.ts'
import { send } from './api-request.ts'
import { differencesIn } from './api-verify.ts'
import { testDatabase } from './database.ts'
import { query, until } from './embedded.ts'
import { expectStatus } from './node.ts'

const OPERATOR_KEY = 'operator-key-of-this-test-0123456789'
const STOP_MS_MAX = 10_000
/** What else a busy machine takes to end a process. */
const SLACK_MS = 20_000
const database = await testDatabase()
const folder = mkdtempSync(join(tmpdir(), 'tollgate-serve-'))
after(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})
const env = { DATABASE_URL: database.url, TOLLGATE_OPERATOR_KEY: OPERATOR_KEY, LOG_LEVEL: 'trace' }

async function tenantOn(url: string, plan = 'pro'): Promise<{ id: string; key: string }> {
  const post = (path: string, body?: object) =>
    send(url, OPERATOR_KEY, { method: 'POST', path, body })
  const tenant = { name: 'Acme', email: 'ops@acme.example', plan }
  const { tenant_id } = expectStatus(await post('/api/admin/tenants', tenant), 201).body
  const { key } = expectStatus(await post(`/api/admin/tenants/${tenant_id}/keys`), 201).body
  return { id: tenant_id, key }
}

const track = (url: string, key: string, body: object) =>
  send(url, key, { method: 'POST', path: '/api/track', body })

test('SIGTERM under load: what was accepted is answered, the rest refused, the end comes in time and with code 0', async (t) => {
  const node = await startServing(t, env)
  const { id, key } = await tenantOn(node.url)
  const event = JSON.stringify({ endpoint: '/x', idempotency_key: 'half-sent' })
  const half = await rawConnection(node.url)
  half.write(
    `POST /api/track HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n`,
  )
  half.write(`content-length: ${event.length}\r\n\r\n${event.slice(0, 10)}`)

  const answers = new Map<string, number>()
  let stopAt = 0
  let isFinished = false
  const finish = () => {
    if (!isFinished) half.write(event.slice(10))
    isFinished = true
  }
  await inParallel(Array.from({ length: 3_000 }), 32, async (_, index) => {
    const idempotency_key = `call-${index}`
    if (index === 500) {
      stopAt = Date.now()
      node.child.kill('SIGTERM')
    }
    // Refused connections are no answers: the node is on its way out.
    const reply = await track(node.url, key, { endpoint: '/x', idempotency_key }).catch(() => null)
    if (reply?.status !== 200) finish()
    if (reply === null) return
    if (reply.status === 200) answers.set(idempotency_key, reply.body.seq)
    else {
      assert.equal(reply.body.code, 'stopping')
      assert.ok(Number(reply.headers.get('retry-after')) > 0)
    }
  })
  assert.equal((await half.reply())?.status, 200, 'it was accepted before')
  assert.equal(await node.ended, 0)
  assert.ok(Date.now() - stopAt <= STOP_MS_MAX + SLACK_MS)
  assert.ok(answers.size >= 400 && answers.size < 3_000)

  const next = await startServing(t, env)
  for (const [idempotency_key, seq] of [...answers].slice(-50)) {
    const again = expectStatus(await track(next.url, key, { endpoint: '/x', idempotency_key }), 200)
    assert.deepEqual([again.body.replayed, again.body.seq], [true, seq])
  }
  const { seq } = (
    await send(next.url, OPERATOR_KEY, { method: 'GET', path: `/api/admin/tenants/${id}` })
  ).body
  assert.ok(seq >= answers.size + 2, 'everything that was answered is in the log')
  next.child.kill('SIGTERM')
  assert.equal(await next.ended, 0)
  assert.deepEqual(await differencesIn(database.url), [])
})

test('a stop does not wait for a client that does not finish its request, nor for idle ones', async (t) => {
  const node = await startServing(t, env)
  const idle = await rawConnection(node.url)
  idle.write('GET /health HTTP/1.1\r\nhost: x\r\n\r\n')
  assert.equal((await idle.reply())?.status, 200)
  const started = Date.now()
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0)
  await idle.closed()
  assert.ok(Date.now() - started < STOP_MS_MAX)
})

test('a stop comes to its end in time though the database does not answer', async (t) => {
  const node = await startServing(t, env)
  const { key } = await tenantOn(node.url)
  const blocker = new pg.Client({ connectionString: database.url })
  await blocker.connect()
  t.after(() => blocker.end())
  await blocker.query('BEGIN; LOCK TABLE account IN ACCESS EXCLUSIVE MODE')
  const waiting = track(node.url, key, { endpoint: '/x' }).catch(() => null)
  await until('the call to wait for the table', async () => {
    const waits =
      "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    return (await query(database.url, waits)).length > 0
  })
  const started = Date.now()
  node.child.kill('SIGTERM')
  const code = await node.ended
  assert.ok(Date.now() - started <= STOP_MS_MAX + SLACK_MS, `it took ${Date.now() - started} ms`)
  await waiting
  assert.ok(code !== null, 'it ended by itself')
})

test('no key and no body gets into the logs, however much they are to say', async (t) => {
  const node = await startServing(t, env)
  const { key } = await tenantOn(node.url)
  const secret = 'a-word-that-only-bodies-have'
  expectStatus(await track(node.url, key, { endpoint: `/${secret}`, properties: { secret } }), 200)
  expectStatus(await track(node.url, key, { endpoint: 1, secret }), 400)
  expectStatus(await track(node.url, key, { endpoint: '/x', properties: `{"${secret}` }), 400)
  const broken = { method: 'POST', path: '/api/track', body: `{"${secret}` }
  expectStatus(await send(node.url, key, broken), 400)
  expectStatus(await track(node.url, `${key}x`, { endpoint: '/x' }), 401)
  const pool = new pg.Client({ connectionString: database.url })
  await pool.connect()
  // An error of ours, with its cause in the log.
  await pool.query('ALTER TABLE entry RENAME TO entry_gone')
  expectStatus(await track(node.url, key, { endpoint: `/${secret}`, properties: { secret } }), 500)
  expectStatus(await send(node.url, key, { method: 'GET', path: `/api/entries?cursor=MQ` }), 500)
  await pool.query('ALTER TABLE entry_gone RENAME TO entry')
  await pool.end()
  node.child.kill('SIGTERM')
  await node.ended
  const logs = node.logs()
  assert.match(logs, /"request_id":"[\w-]{8,}"/)
  assert.match(logs, /entry/)
  for (const hidden of [key, key.slice(8), OPERATOR_KEY, secret, new URL(database.url).password]) {
    assert.ok(!logs.includes(hidden), `the logs say ${hidden}: ${logs}`)
  }
})

test('what is wrong with the configuration is told all at once, and no secret with it', async (t) => {
  const secret = 'hunter2-hunter2'
  const { code, out, logs } = await runTollgate(t, ['serve'], {
    PORT: '99999',
    LOG_LEVEL: 'loud',
    DATABASE_URL: `mysql://root:${secret}@localhost/x`,
    TOLLGATE_OPERATOR_KEY: 'too-short',
    TOLLGATE_OPERATOR_KEY_FILE: join(folder, 'both'),
  })
  assert.equal(code, 1)
  assert.equal(out, '')
  for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL', 'TOLLGATE_OPERATOR_KEY']) {
    assert.match(logs, new RegExp(`^ +${name}`, 'm'))
  }
  for (const hidden of [secret, 'too-short']) assert.ok(!logs.includes(hidden), logs)
  assert.doesNotMatch(logs, /^\s+at /m, 'a stack helps nobody here')
})

test('what is wrong with the settings for people and proxies is told as well, each value once, and no secret', async (t) => {
  const secret = 'hunter2-hunter2'
  const { code, logs } = await runTollgate(t, ['serve'], {
    PUBLIC_URL: 'tollgate.example.com',
    REDIS_URL: `http://:${secret}@localhost:6379`,
    SMTP_URL: `mail://user:${secret}@localhost`,
    TOLLGATE_ADMIN_PASSWORD: secret,
    CORS_ORIGINS: 'https://app.example.com, https://app.example.com/path, *',
    TRUSTED_PROXIES:
      '10.0.0.0/8, 10.0.0.0/33, ::1/129, 0.0.0.0/0, ::/0, proxy.example.com, 1.2.3.4/8/8',
    HTTP_REQUESTS_PER_KEY: '-1',
    HTTP_REQUESTS_PER_ADDRESS: 'many',
  })
  assert.equal(code, 1)
  const told = [
    /^ +PUBLIC_URL must be a URL that begins with http:\/\/ or https:\/\/$/m,
    /^ +REDIS_URL must be a URL that begins with redis:\/\/ or rediss:\/\/$/m,
    /^ +SMTP_URL must be a URL that begins with smtp:\/\/ or smtps:\/\/$/m,
    /^ +TOLLGATE_ADMIN_EMAIL and TOLLGATE_ADMIN_PASSWORD go together; one is missing$/m,
    /^ +CORS_ORIGINS must be origins .*"https:\/\/app\.example\.com\/path" is not$/m,
    /^ +CORS_ORIGINS must be origins .*"\*" is not$/m,
    /^ +HTTP_REQUESTS_PER_KEY must be a number .*"-1"$/m,
    /^ +HTTP_REQUESTS_PER_ADDRESS must be a number .*"many"$/m,
  ]
  for (const sentence of told) assert.match(logs, sentence)
  const proxies = [...logs.matchAll(/TRUSTED_PROXIES must be .*; (".*") is not/g)]
  const wrong = [
    '"10.0.0.0/33"',
    '"::1/129"',
    '"0.0.0.0/0"',
    '"::/0"',
    '"proxy.example.com"',
    '"1.2.3.4/8/8"',
  ]
  assert.deepEqual(
    proxies.map(([, value]) => value),
    wrong,
  )
  assert.ok(!logs.includes(secret), logs)
})

test('secrets for Redis, mail and the first admin may come from files, and not twice', async (t) => {
  const file = join(folder, 'wrong-url')
  writeFileSync(file, 'ftp://user:hunter2-hunter2@localhost\n')
  const { code, logs } = await runTollgate(t, ['serve'], {
    REDIS_URL_FILE: file,
    SMTP_URL_FILE: file,
    TOLLGATE_ADMIN_PASSWORD: 'x',
    TOLLGATE_ADMIN_PASSWORD_FILE: file,
  })
  assert.equal(code, 1)
  assert.match(logs, /^ +REDIS_URL must be/m)
  assert.match(logs, /^ +SMTP_URL must be/m)
  assert.match(logs, /TOLLGATE_ADMIN_PASSWORD and TOLLGATE_ADMIN_PASSWORD_FILE are both set/)
  assert.ok(!logs.includes('hunter2'), logs)
})

test('a node whose Redis cannot be reached starts all the same, says so, and tells no password', async (t) => {
  const node = await startServing(t, {
    ...env,
    REDIS_URL: 'redis://:hunter2-hunter2@127.0.0.1:1',
  })
  expectStatus(await send(node.url, null, { method: 'GET', path: '/ready' }), 200)
  const { key } = await tenantOn(node.url)
  expectStatus(await track(node.url, key, { endpoint: '/x' }), 200)
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0)
  assert.equal(node.logs().match(/Redis is gone/g)?.length, 1)
  assert.ok(!node.logs().includes('hunter2'), node.logs())
})

test('a database that cannot be used is told in a sentence, without its password', async (t) => {
  const url = new URL(database.url)
  url.password = 'not-the-password'
  const wrongPassword = url.href
  url.hostname = 'no-such-host.invalid'
  const wrongHost = url.href
  const nothingThere = `postgres://user:not-the-password@127.0.0.1:1/x`
  const noSuchDatabase = new URL(database.url)
  noSuchDatabase.pathname += '_missing'
  for (const DATABASE_URL of [wrongPassword, wrongHost, nothingThere, noSuchDatabase.href]) {
    const { code, logs } = await runTollgate(t, ['serve'], {
      ...env,
      LOG_LEVEL: 'silent',
      DATABASE_URL,
    })
    assert.equal(code, 1)
    assert.match(logs, /database at DATABASE_URL/)
    assert.ok(!logs.includes('not-the-password'), logs)
    assert.doesNotMatch(logs, /^\s+at /m, logs)
  }
})

test('secrets may come from files, and a file that cannot be read is named', async (t) => {
  const keyFile = join(folder, 'operator-key')
  const urlFile = join(folder, 'database-url')
  writeFileSync(keyFile, 'the-operator-key-in-the-file-012\n')
  writeFileSync(urlFile, `${database.url}\n`)
  const files = { TOLLGATE_OPERATOR_KEY_FILE: keyFile, DATABASE_URL_FILE: urlFile }
  const node = await startServing(t, files)
  const services = { method: 'GET', path: '/api/admin/services' }
  expectStatus(await send(node.url, 'the-operator-key-in-the-file-012', services), 200)
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0)

  const missing = join(folder, 'nothing')
  const { code, logs } = await runTollgate(t, ['serve'], { ...files, DATABASE_URL_FILE: missing })
  assert.equal(code, 1)
  assert.match(logs, /DATABASE_URL_FILE: .*nothing cannot be read/)
})

test('a port that is taken is told in a sentence', async (t) => {
  const node = await startServing(t, env)
  const { code, logs } = await runTollgate(t, ['serve'], { ...env, PORT: new URL(node.url).port })
  assert.equal(code, 1)
  assert.match(logs, /Port \d+ is in use. Set PORT to another one/)
  expectStatus(await send(node.url, null, { method: 'GET', path: '/ready' }), 200)
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0)
})
