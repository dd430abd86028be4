import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'

/** Stands in for npm: notes that it was called, and puts there what `npm ci` would. */
const NPM = `
  const { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } = require('node:fs')
  appendFileSync('npm-calls', process.argv.slice(2).join(' ') + '\\n')
  if (process.env.NPM_FAILS) {
    console.error('npm warn EBADENGINE do not be frightened\\nnpm error the registry is away')
    process.exit(7)
  }
  rmSync('node_modules', { recursive: true, force: true })
  mkdirSync('node_modules/node/bin', { recursive: true })
  writeFileSync('node_modules/node/package.json', JSON.stringify({ version: process.versions.node }))
  const link = "require('node:fs').symlinkSync(process.execPath, 'bin/node')"
  writeFileSync('node_modules/node/installArchSpecificPackage.js', link)
  if (!process.env.NPM_REFUSES_SCRIPTS) symlinkSync(process.execPath, 'node_modules/node/bin/node')
  setTimeout(() => {}, 200)`

const npmCalls = (root: string) =>
  existsSync(join(root, 'npm-calls'))
    ? readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n')
    : []

test('what is missing is installed once, and a second start does not ask npm', async (t) => {
  const root = checkout(t)
  assert.deepEqual(await run(root, 'hello.js', ['a b']), { code: 0, out: 'hello a b\n' })
  assert.deepEqual(await run(root, 'hello.js', ['c']), { code: 0, out: 'hello c\n' })
  assert.deepEqual(npmCalls(root), ['ci --include=dev --include=optional --engine-strict=false'])
})

test('commands that start together install once', async (t) => {
  const root = checkout(t)
  const outcomes = await Promise.all([1, 2, 3].map((n) => run(root, 'hello.js', [String(n)])))
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    [0, 0, 0],
  )
  assert.equal(npmCalls(root).length, 1)
})

test('another lock file is installed, and so is another workspace', async (t) => {
  const root = checkout(t)
  await run(root, 'hello.js')
  writeFileSync(join(root, 'package-lock.json'), lockFile({ pg: '2.0.0' }))
  await run(root, 'hello.js')
  assert.equal(npmCalls(root).length, 2)
  writeFileSync(join(root, 'apps/server/package.json'), '{"version":"2.0.0"}')
  await run(root, 'hello.js')
  assert.equal(npmCalls(root).length, 3)
})

test('what somebody installed with npm ci is taken as it is', async (t) => {
  const root = checkout(t)
  await run(root, 'hello.js')
  rmSync(join(root, 'node_modules/.tollgate-installed'))
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lockFile({ pg: '1.0.0' }))
  await run(root, 'hello.js')
  assert.equal(npmCalls(root).length, 1)

  rmSync(join(root, 'node_modules/.tollgate-installed'))
  writeFileSync(join(root, 'node_modules/.package-lock.json'), lockFile({ pg: '0.9.0' }))
  await run(root, 'hello.js')
  assert.equal(npmCalls(root).length, 2)
})

test('where npm refuses install scripts, the pinned Node is put in its place all the same', async (t) => {
  const root = checkout(t)
  const outcome = await run(root, 'hello.js', [], { NPM_REFUSES_SCRIPTS: '1' })
  assert.deepEqual(outcome, { code: 0, out: 'hello \n' })
})

test('a failed installation shows what npm said, without its warnings, and is tried again', async (t) => {
  const root = checkout(t)
  const failed = await run(root, 'hello.js', [], { NPM_FAILS: '1' })
  assert.equal(failed.code, 1)
  assert.match(failed.out, /"npm ci" failed \(exit code 7\)[\s\S]*the registry is away/)
  assert.doesNotMatch(failed.out, /EBADENGINE/)
  assert.equal((await run(root, 'hello.js')).code, 0)
})

test('an installation that was killed does not hold up the next', async (t) => {
  const root = checkout(t)
  const gone = start(root, 'hello.js', [])
  gone.kill('SIGKILL')
  await once(gone, 'exit')
  writeFileSync(join(root, `.installing-${gone.pid}`), '')
  assert.equal((await run(root, 'hello.js')).code, 0)
  assert.ok(!existsSync(join(root, `.installing-${gone.pid}`)))
})

test('the exit code is passed on', async (t) => {
  assert.equal((await run(checkout(t), 'exit-with-3.js')).code, 3)
})

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
  test(`${signal} reaches the program, and the launcher ends with it`, async (t) => {
    const launcher = start(checkout(t), 'until-signal.js')
    assert.equal(await line(launcher), 'ready')
    launcher.kill(signal)
    assert.equal(await line(launcher), `stopped by ${signal}`)
    assert.deepEqual(await once(launcher, 'exit'), [0, null])
  })
}

test('a program that does not end when it is told to is ended', async (t) => {
  const launcher = start(checkout(t), 'deaf.js')
  assert.equal(await line(launcher), 'ready')
  launcher.kill('SIGTERM')
  assert.deepEqual(await once(launcher, 'exit'), [128 + 9, null])
})

test('after a kill -9 of the launcher the program learns of it', async (t) => {
  const launcher = start(checkout(t), 'until-signal.js')
  assert.equal(await line(launcher), 'ready')
  launcher.kill('SIGKILL')
  assert.equal(await line(launcher), 'stopped by disconnect')
})

test('the shell that npm puts between dies of a signal; the program stops too', async (t) => {
  const root = checkout(t)
  const command = '"$0" scripts/node.mjs until-signal.js; true'
  const shell = spawn('/bin/sh', ['-c', command, process.execPath], {
    ...options(root, { npm_lifecycle_event: 'start' }),
  })
  assert.equal(await line(shell), 'ready')
  shell.kill('SIGTERM')
  assert.equal(await line(shell), 'stopped by SIGTERM')
})

/** A checkout that needs an installation, with programs to run in it. */
function checkout(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'tollgate-scripts-'))
  t.after(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }))
  cpSync(import.meta.dirname, join(root, 'scripts'), { recursive: true })
  const launch = join(root, 'scripts/launch.mjs')
  // Nobody waits for a minute and a half.
  writeFileSync(launch, readFileSync(launch, 'utf8').replace('= 90_000', '= 300'))
  mkdirSync(join(root, 'apps/server'), { recursive: true })
  mkdirSync(join(root, 'packages'))
  const files = {
    'package.json': '{}',
    'package-lock.json': lockFile({ pg: '1.0.0' }),
    'apps/server/package.json': '{}',
    'fake-npm.js': NPM,
    'hello.js': `console.log('hello', process.argv.slice(2).join())`,
    'exit-with-3.js': 'process.exit(3)',
    'deaf.js': `
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 1_000)
      console.log('ready')`,
    'until-signal.js': `
      const stop = (why) => { console.log('stopped by', why); process.exit(0) }
      for (const name of ['SIGTERM', 'SIGHUP', 'SIGINT']) process.on(name, stop)
      process.on('disconnect', () => stop('disconnect'))
      setInterval(() => {}, 1_000)
      console.log('ready')`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  return root
}

function lockFile(versions: Record<string, string>): string {
  const packages = Object.entries(versions).map(([name, version]) => [
    `node_modules/${name}`,
    { version },
  ])
  return JSON.stringify({ packages: Object.fromEntries(packages) })
}

async function run(
  root: string,
  file: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<{ code: number; out: string }> {
  const launcher = start(root, file, args, env)
  let out = ''
  for (const stream of [launcher.stdout, launcher.stderr]) {
    stream?.on('data', (chunk) => {
      out += chunk
    })
  }
  const [code] = await once(launcher, 'close')
  return { code, out: out.replace(/^(Installing|Getting) .*\.\.\.\n/gm, '') }
}

function start(
  root: string,
  file: string,
  args: string[] = [],
  env: Record<string, string> = {},
): ChildProcess {
  return spawn(process.execPath, ['scripts/node.mjs', file, ...args], options(root, env))
}

function options(root: string, env: Record<string, string>) {
  const { npm_lifecycle_event: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env
  const npm_execpath = join(root, 'fake-npm.js')
  return {
    cwd: root,
    env: { ...inherited, npm_execpath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
  }
}

const readers = new WeakMap<ChildProcess, AsyncIterator<string>>()

async function line(child: ChildProcess): Promise<string> {
  const reader =
    readers.get(child) ?? createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  readers.set(child, reader)
  return (await reader.next()).value
}
