import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import pg from 'pg'
import { LOCKOUT_FAILURES_MAX } from '../src/limits.ts'
import { runTollgate, startServing } from './api-process.ts'
import { send } from './api-request.ts'
import { testDatabase } from './database.ts'
import { withoutProgram } from './without-program.ts'
import { testFolder, until } from './embedded.ts'
import { expectStatus } from './node.ts'

const noTerminal = withoutProgram('script', 'util-linux')
const MAIN = join(import.meta.dirname, '../src/main.ts')
const PASSWORD = 'Straight-Lemon-42'
const folder = mkdtempSync(join(tmpdir(), 'tollgate-admin-'))
const database = await testDatabase()
after(async () => {
  rmSync(folder, { recursive: true })
  await database.drop()
})

function passwordFile(password: string): string {
  const file = join(folder, `password-${crypto.randomUUID()}`)
  writeFileSync(file, `${password}\n`)
  return file
}

const logIn = (url: string, email: string, password: string) =>
  send(url, null, { method: 'POST', path: '/auth/login', body: { email, password } })
const env = (databaseUrl = database.url) => ({ DATABASE_URL: databaseUrl, LOG_LEVEL: 'info' })

/** Runs a command that reads its standard input. */
async function piped(t: TestContext, args: string[], input: string) {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], { env: { PATH, ...env() } })
  t.after(() => void child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
  }
  // A program that ends before it has read everything breaks the pipe.
  child.stdin.on('error', () => undefined).end(input)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, text }
}

test('beside a node on the embedded database: an admin is made, unlocked, and given another password', async (t) => {
  const { dataDir } = testFolder(t)
  const embedded = { TOLLGATE_DATA_DIR: dataDir, LOG_LEVEL: 'info' }
  const node = await startServing(t, embedded)
  const run = (...args: string[]) => runTollgate(t, ['admin', ...args], embedded)
  const email = 'ada@example.com'

  const made = await run('create', '--email', 'Ada@Example.com', ...passwordIn(PASSWORD))
  assert.equal(made.code, 0, made.logs)
  assert.match(made.out, /^ada@example\.com can sign in now, as admin \(mem_\w+\)\.$/m)
  const signedIn = expectStatus(await logIn(node.url, email, PASSWORD), 200).body

  for (let turn = 0; turn < LOCKOUT_FAILURES_MAX; turn += 1) await logIn(node.url, email, 'wrong')
  expectStatus(await logIn(node.url, email, PASSWORD), 423)
  assert.equal((await run('unlock', email)).code, 0)
  await until(
    'the job has unlocked it',
    async () => (await logIn(node.url, email, PASSWORD)).status === 200,
  )

  const other = 'Crooked-Orange-77'
  const reset = await run('reset-password', email, ...passwordIn(other))
  assert.equal(reset.code, 0, reset.logs)
  const refresh = { refresh_token: signedIn.refresh_token }
  expectStatus(
    await send(node.url, null, { method: 'POST', path: '/auth/refresh', body: refresh }),
    401,
  )
  expectStatus(await logIn(node.url, email, PASSWORD), 401)
  const { access_token } = expectStatus(await logIn(node.url, email, other), 200).body

  const audit = { method: 'GET', path: '/api/admin/audit?limit=500' }
  const { data } = expectStatus(await send(node.url, access_token, audit), 200).body
  const told = data.filter(
    (line: { actor: { kind: string } }) => line.actor.kind === 'command_line',
  )
  assert.deepEqual(
    told.map(({ action }: { action: string }) => action),
    ['member.password_reset', 'sign_in.unlocked', 'member.added'],
  )
  for (const password of [PASSWORD, other]) {
    for (const text of [made.out, made.logs, reset.out, reset.logs, node.logs()]) {
      assert.ok(!text.includes(password))
    }
  }
  node.child.kill('SIGTERM')
  assert.equal(await node.ended, 0)
})

const passwordIn = (password: string) => ['--password-file', passwordFile(password)]

test('what cannot be done is told in a sentence, with exit code 1', async (t) => {
  const create = (...args: string[]) => runTollgate(t, ['admin', 'create', ...args], env())
  const good = passwordIn(PASSWORD)
  expect(await create('--email', 'eve@example.com', ...good), 0, /eve@example\.com can sign in now/)
  expect(await create('--email', 'EVE@example.com', ...good), 1, /email: there is somebody/)
  expect(await create('--email', 'nobody', ...good), 1, /email: not an e-mail address/)
  expect(await create('--email', 'f@example.com', ...passwordIn('short')), 1, /password: /)
  expect(await create('--email', 'f@example.com', ...passwordIn('')), 1, /password is empty/)
  expect(await create('--email', 'f@example.com', '--role', 'owner', ...good), 1, /admin, support/)
  expect(await create('--email', 'f@example.com', '--name', '', ...good), 1, /name: /)
  expect(await create(...good), 1, /--email/)
  expect(
    await create('--email', 'f@example.com', '--password-file', join(folder, 'none')),
    1,
    /file of the password cannot be read/,
  )
  const unlock = await runTollgate(t, ['admin', 'unlock', 'f@example.com'], env())
  expect(unlock, 1, /Nobody has this e-mail address/)
})

test('a database that no node has prepared is told in a sentence', async (t) => {
  const name = `empty_${process.pid}`
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  await client.query(`CREATE DATABASE ${name}`)
  t.after(async () => {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await client.end()
  })
  const url = new URL(database.url)
  url.pathname = `/${name}`
  const args = ['admin', 'create', '--email', 'ada@example.com', ...passwordIn(PASSWORD)]
  expect(await runTollgate(t, args, env(url.href)), 1, /Start Tollgate once/)
})

test('a password may be piped in; nothing, or far too much, is no password', async (t) => {
  const create = (email: string, input: string) =>
    piped(t, ['admin', 'create', '--email', email], input)
  const windows = await create('piped@example.com', `${PASSWORD}\r\nsecond line\n`)
  assert.equal(windows.code, 0, windows.text)
  const node = await startServing(t, env())
  expectStatus(await logIn(node.url, 'piped@example.com', PASSWORD), 200)
  for (const input of ['', '\n', `\n${PASSWORD}`, 'x'.repeat(100_000)]) {
    const { code, text } = await create('none@example.com', input)
    assert.equal(code, 1, text)
    assert.match(text, /password/)
    assert.doesNotMatch(text, /^\s+at /m)
  }
  node.child.kill('SIGTERM')
  await node.ended
})

test('at a terminal the password is asked for twice, and not shown', {
  skip: noTerminal,
}, async (t) => {
  const typed = await atTerminal(t, 'typed@example.com', [PASSWORD, PASSWORD])
  assert.equal(typed.code, 0, typed.text)
  assert.match(typed.text, /Password: [\s\S]*Again: [\s\S]*typed@example\.com can sign in now/)
  assert.ok(!typed.text.includes(PASSWORD), typed.text)
  const different = await atTerminal(t, 'd@example.com', [PASSWORD, `${PASSWORD}x`])
  assert.equal(different.code, 1)
  assert.match(different.text, /The two are not the same/)
  const cancelled = await atTerminal(t, 'd@example.com', ['\u0003'])
  assert.equal(cancelled.code, 1, cancelled.text)
  assert.match(cancelled.text, /Cancelled/)
})

test('the first admin is made at the start, once, and keeps the password whatever is configured later', async (t) => {
  const fresh = await testDatabase()
  t.after(() => fresh.drop())
  const admin = (email: string, password: string) => ({
    ...env(fresh.url),
    TOLLGATE_ADMIN_EMAIL: email,
    TOLLGATE_ADMIN_PASSWORD_FILE: passwordFile(password),
  })
  const weak = await runTollgate(t, ['serve'], admin('root@example.com', 'password12'))
  assert.equal(weak.code, 1)
  assert.match(weak.logs, /TOLLGATE_ADMIN_PASSWORD: /)
  assert.doesNotMatch(weak.logs, /^\s+at |password12/m)
  const wrong = await runTollgate(t, ['serve'], admin('root', PASSWORD))
  assert.match(wrong.logs, /TOLLGATE_ADMIN_EMAIL: not an e-mail address/)

  const nodes = await Promise.all(
    [1, 2].map(() => startServing(t, admin('root@example.com', PASSWORD))),
  )
  for (const { url } of nodes) expectStatus(await logIn(url, 'root@example.com', PASSWORD), 200)
  const client = new pg.Client({ connectionString: fresh.url })
  await client.connect()
  const { rows } = await client.query('SELECT email, role FROM member')
  await client.end()
  assert.deepEqual(rows, [{ email: 'root@example.com', role: 'admin' }])
  for (const { child, ended } of nodes) {
    child.kill('SIGTERM')
    await ended
  }

  const later = await startServing(t, admin('root@example.com', 'Crooked-Orange-77'))
  expectStatus(await logIn(later.url, 'root@example.com', PASSWORD), 200)
  expectStatus(await logIn(later.url, 'root@example.com', 'Crooked-Orange-77'), 401)
  assert.ok(!later.logs().includes('Crooked-Orange'))
  later.child.kill('SIGTERM')
  await later.ended
})

type Ended = { code: number | null; out: string; logs: string }

function expect({ code, out, logs }: Ended, wanted: number, words: RegExp): void {
  assert.equal(code, wanted, out + logs)
  assert.match(out + logs, words)
  assert.doesNotMatch(logs, /^\s+at /m, 'a sentence, not a stack')
}

/** Types each line when it is asked for, at a terminal of its own with “script” of util-linux. */
async function atTerminal(t: TestContext, email: string, lines: string[]) {
  const { PATH = '' } = process.env
  const command = [process.execPath, MAIN, 'admin', 'create', '--email', email].join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH, ...env() } })
  t.after(() => void child.kill('SIGKILL'))
  let text = ''
  let asked = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    const questions = text.match(/(Password|Again): /g)?.length ?? 0
    for (; asked < Math.min(questions, lines.length); asked += 1) {
      child.stdin.write(lines[asked]!.startsWith('\u0003') ? '\u0003' : `${lines[asked]}\r`)
    }
  })
  const [code] = await once(child, 'close')
  return { code, text }
}
