import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { runTollgate } from './api-process.ts'
import { testDatabase } from './database.ts'
import { withoutProgram } from './without-program.ts'
import { expectStatus, nodeOn } from './node.ts'

const noTerminal = withoutProgram('script', 'util-linux')
const MAIN = join(import.meta.dirname, '../src/main.ts')
const folder = mkdtempSync(join(tmpdir(), 'tollgate-plans-'))

function fileOf(text: string): string {
  const path = join(folder, `${crypto.randomUUID()}.yaml`)
  writeFileSync(path, `catalog: 1\n${text}`)
  return path
}

const STARTED = fileOf(`
services:
  docs: { endpoints: [{ path: /convert, methods: [POST], credits: 2 }] }
plans:
  free: { quota: { limit: 100, overage: deny } }
  team: { quota: { limit: 10000, overage: deny }, price: { base: "10" } }
  old: {}
`)
const NEXT = fileOf(`
services:
  docs: { endpoints: [{ path: /convert, methods: [POST], credits: 3 }] }
  notes: { trust_reported: false }
plans:
  free: { quota: { limit: 100, overage: deny } }
  team: { quota: { limit: 20000, overage: deny }, price: { base: "12.50" } }
  gold: { description: For the few, premium: false }
`)
const database = await testDatabase()
const node = await nodeOn(database, { catalogFile: STARTED })
after(async () => {
  await node.stop()
  await database.drop()
  rmSync(folder, { recursive: true })
})
for (const plan of ['free', 'team', 'team', 'old']) await node.tenant({ plan })
const env = { DATABASE_URL: database.url }
const plans = (t: TestContext, ...args: string[]) => runTollgate(t, ['plans', ...args], env)

async function versions(): Promise<string> {
  await node.server.catalog.refresh()
  const offered = node.server.catalog.plansOnOffer()
  return offered.map(({ plan, version }) => `${plan} ${version}`).join(', ')
}

const DIFF = `plans
  = free: unchanged, version 1
      1 tenant on version 1
  ~ team: changed, version 1 → 2
      quota.limit: 10000 → 20000
      price.base: "10" → "12.50"
      2 tenants on version 1; they stay there until they are moved
  + gold: new, version 1
      description: "For the few"
      premium: false
  - old: no longer offered
      1 tenant on version 1; they stay there until they are moved
endpoint rules
  ~ docs: changed
      endpoints["POST /convert"].credits: 2 → 3
  + notes: new
      trust_reported: false
`

test('a diff says what would change and for how many tenants, and changes nothing', async (t) => {
  const { code, out, logs } = await plans(t, 'diff', NEXT)
  assert.equal(code, 0, logs)
  assert.equal(out, DIFF)
  assert.equal(await versions(), 'free 1, old 1, team 1')
})

test('nothing is applied where nobody can be asked', async (t) => {
  const { code, out, logs } = await plans(t, 'apply', NEXT)
  assert.equal(code, 1)
  assert.equal(out, DIFF)
  assert.match(logs, /Nothing was changed: there is no terminal to ask at.* --yes/)
  assert.equal(await versions(), 'free 1, old 1, team 1')
})

test('at a terminal it asks, and only yes means yes', { skip: noTerminal }, async (t) => {
  for (const answer of ['n', '', 'yesterday', '\u0003', '\u0004']) {
    const typed = await atTerminal(t, answer, NEXT)
    assert.equal(typed.code, 1, `${JSON.stringify(answer)}: ${typed.text}`)
    assert.match(typed.text, /Nothing was changed/)
    assert.doesNotMatch(typed.text, /^\s+at /m)
    assert.equal(await versions(), 'free 1, old 1, team 1')
  }
  const accepted = await atTerminal(t, 'y', fileOf('plans: { free: {}, team: {}, old: {} }'))
  assert.equal(accepted.code, 0, accepted.text)
  assert.match(accepted.text, /Apply this\? \[y\/N\] [\s\S]*Applied/)
  assert.equal(await versions(), 'free 2, old 1, team 2')
  assert.equal((await plans(t, 'apply', STARTED, '--yes')).code, 0)
  assert.equal(await versions(), 'free 3, old 1, team 3')
})

test('with --yes it is applied: by several at once, once; tenants stay, and a start does not undo it', async (t) => {
  const all = await Promise.all([1, 2, 3].map(() => plans(t, 'apply', NEXT, '--yes')))
  for (const { code, logs } of all) assert.equal(code, 0, logs)
  const done = all.filter(({ out }) => /^Applied\. .*within 5 seconds\.$/m.test(out))
  const idle = all.filter(({ out }) => /^Nothing to change\.$/m.test(out))
  assert.deepEqual([done.length, idle.length], [1, 2])
  assert.equal(await versions(), 'free 3, gold 1, team 4')
  const { data } = expectStatus(await node.admin('GET', '/api/admin/tenants'), 200).body
  assert.deepEqual(
    data.map(({ plan, plan_version }: Record<string, unknown>) => `${plan} ${plan_version}`),
    ['free 1', 'team 1', 'team 1', 'old 1'],
  )
  const restarted = await nodeOn(database, { catalogFile: STARTED })
  await restarted.stop()
  assert.equal(await versions(), 'free 3, gold 1, team 4')
})

test('what was applied by a command is told by the audit log, and every log still verifies', async (t) => {
  const path = '/api/admin/audit?action=catalog.applied&limit=1'
  const [line] = expectStatus(await node.admin('GET', path), 200).body.data
  assert.equal(line.actor.kind, 'command_line')
  assert.deepEqual(line.after.plans, { team: 4, gold: 1, old: null })
  const { code, out } = await runTollgate(t, ['verify'], env)
  assert.equal(code, 0, out)
})

test('a file that is wrong, or is not there, is told by sentences', async (t) => {
  const wrong = fileOf('plans: { free: { quotas: {} }, pro: { price: { base: 10 } } }')
  for (const command of ['diff', 'apply']) {
    const { code, logs } = await plans(t, command, wrong)
    assert.equal(code, 1)
    assert.match(logs, /:2:18: plans\.free\.quotas: is not a key that is known here/)
    assert.match(logs, /:2:54: plans\.pro\.price\.base: must be a decimal in quotes/)
    const none = await plans(t, command, join(folder, 'none.yaml'))
    assert.equal(none.code, 1)
    assert.match(none.logs, /none\.yaml: cannot be read \(ENOENT\)/)
    for (const text of [logs, none.logs]) assert.doesNotMatch(text, /^\s+at /m)
  }
  assert.equal((await plans(t, 'diff')).code, 1)
})

test('the schema for editors is compared with the committed one', async (t) => {
  assert.equal((await runTollgate(t, ['catalog-schema', '--check'], {})).code, 0)
})

/** Answers the question at a terminal of its own with “script” of util-linux. */
async function atTerminal(t: TestContext, answer: string, file: string) {
  const { PATH = '' } = process.env
  const command = [process.execPath, MAIN, 'plans', 'apply', file].join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: { PATH, ...env } })
  t.after(() => void child.kill('SIGKILL'))
  let text = ''
  let answered = false
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (answered || !text.includes('[y/N] ')) return
    answered = true
    child.stdin.write(answer < ' ' && answer !== '' ? answer : `${answer}\r`)
  })
  const [code] = await once(child, 'close')
  return { code, text }
}
