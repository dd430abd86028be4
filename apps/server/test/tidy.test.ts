import assert from 'node:assert/strict'
import { join } from 'node:path'
import { mock, test } from 'node:test'
import { circlesOfFiles, circlesOfRooms, wrongArrows } from './tidy/arrows.ts'
import { longFunctions } from './tidy/functions.ts'
import { clockReads, emptyNames, environmentReads, longFile, unfinished } from './tidy/rules.ts'
import { isTest, pathsBelow, readCode, type SourceFile } from './tidy/source-tree.ts'

const FILE_LINES_MAX = 400
const FUNCTION_LINES_MAX = 70

const paths = pathsBelow(join(import.meta.dirname, '../../..'))
const files = readCode(join(import.meta.dirname, '../../..'), paths)
const source = files.filter(({ path }) => /^(apps|packages)\/[\w-]+\/src\//.test(path))
const shipped = source.filter(({ path }) => !isTest(path))

// Taking types out of a program is experimental in Node. Ours is pinned, and a test that changes
// its mind fails here and nowhere else: no need to warn whoever runs the tests.
mock.method(process, 'emitWarning', () => undefined)

test('the repository is where this test looks for it', () => {
  for (const part of ['ledger/decide.ts', 'http/app.ts', 'limits.ts', 'lib/clock.ts']) {
    assert.ok(paths.includes(`apps/server/src/${part}`), part)
  }
  assert.ok(paths.includes('packages/contract/src/index.ts'))
  assert.ok(!paths.some((path) => path.includes('node_modules')))
})

test('imports follow the arrows: main → doors → rooms → db, lib, limits → contract; a store is its own room’s', () => {
  assert.deepEqual(wrongArrows(files), [])
})

test('no room needs another that needs it, and no file either', () => {
  assert.deepEqual(circlesOfRooms(files), [])
  assert.deepEqual(circlesOfFiles(files), [])
})

test('only config.ts reads the environment', () => {
  const others = shipped.filter(({ path }) => path !== 'apps/server/src/config.ts')
  assert.deepEqual(others.flatMap(environmentReads), [])
})

test('only lib/clock.ts reads the clock', () => {
  const others = shipped.filter(({ path }) => path !== 'apps/server/src/lib/clock.ts')
  assert.deepEqual(others.flatMap(clockReads), [])
})

test(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
  assert.deepEqual(
    files.flatMap((file) => longFile(file, FILE_LINES_MAX)),
    [],
  )
})

test(`no function is longer than ${FUNCTION_LINES_MAX} lines`, () => {
  const programs = files.filter(({ path }) => /\.(ts|mts|js|mjs)$/.test(path))
  assert.deepEqual(
    programs.flatMap((file) => longFunctions(file, FUNCTION_LINES_MAX)),
    [],
  )
})

test('files and folders are named after what is in them', () => {
  assert.deepEqual(emptyNames(paths), [])
})

test('nothing is left to be done in a comment', () => {
  assert.deepEqual(files.flatMap(unfinished), [])
})

// Each check above can fail: what follows shows them what they must find.

test('an arrow that points the wrong way is found, also one for types alone', () => {
  const wrong = (from: string, text: string) => wrongArrows([{ path: from, text }])
  const server = 'apps/server/src'
  const bad: [path: string, text: string, why: RegExp][] = [
    [`${server}/lib/ids.ts`, "import { pool } from '../db/pool.ts'", /lib may not import db/],
    [
      `${server}/lib/ids.ts`,
      "import type { A } from '../ledger/types.ts'",
      /lib may not import room/,
    ],
    [`${server}/db/pool.ts`, "export * from '../ledger/types.ts'", /db may not import room/],
    [
      `${server}/ledger/lane.ts`,
      "const x = await import('../http/app.ts')",
      /room may not import door/,
    ],
    [
      `${server}/ledger/lane.ts`,
      "type X = import('../config.ts').Config",
      /room may not import main/,
    ],
    [`${server}/ledger/lane.ts`, "import { a } from '../access/store.ts'", /only its own room/],
    [
      `${server}/http/app.ts`,
      "import {\n  a,\n} from '../access/store.ts'",
      /app\.ts:3 .*only its own room/,
    ],
    [`${server}/http/app.ts`, "import { a } from '../mqtt/broker.ts'", /door may not import door/],
    [`${server}/http/app.ts`, "import '../server.ts'", /door may not import main/],
    [`${server}/demo.ts`, "import { a } from './access/store.ts'", /only its own room/],
    [`${server}/limits.ts`, "import { a } from './lib/micros.ts'", /limits may not import lib/],
    [`${server}/ledger/a.ts`, "import { a } from '../../test/node.ts'", /no part of the server/],
    [`${server}/things/a.ts`, '', /no place among the layers/],
    [
      'packages/contract/src/a.ts',
      "import '../../../apps/server/src/limits.ts'",
      /contract may not import limits/,
    ],
  ]
  for (const [path, text, why] of bad) {
    const found = wrong(path, text)
    assert.equal(found.length, 1, `${path}: ${text}`)
    assert.match(found[0]!, why)
  }
})

test('an arrow that points the right way is not found, nor is text that looks like one', () => {
  const good: [path: string, text: string][] = [
    ['main.ts', "import { a } from './http/app.ts'"],
    ['http/app.ts', "import { a } from '../ledger/routes.ts'"],
    ['http/app.ts', "import { a } from './problems.ts'"],
    ['ledger/lane.ts', "import { a } from './store.ts'"],
    ['ledger/lane.ts', "import { a } from '../catalog/catalog.ts'"],
    ['ledger/lane.ts', "import { a } from '@tollgate/contract'"],
    ['lib/ids.ts', "// import { a } from '../db/pool.ts'"],
    ['lib/ids.ts', 'const text = "import { a } from \'../db/pool.ts\'"'],
    ['lib/ids.test.ts', "import { a } from '../db/pool.ts'"],
  ]
  for (const [path, text] of good) {
    assert.deepEqual(
      wrongArrows([{ path: `apps/server/src/${path}`, text }]),
      [],
      `${path}: ${text}`,
    )
  }
})

test('a circle of rooms is found, and one of files', () => {
  const file = (path: string, to: string): SourceFile => {
    return { path: `apps/server/src/${path}`, text: `import type { A } from '${to}'` }
  }
  const rooms = [
    file('ledger/a.ts', '../catalog/a.ts'),
    file('catalog/b.ts', '../billing/a.ts'),
    file('billing/c.ts', '../ledger/b.ts'),
    file('catalog/a.ts', './d.ts'),
    file('catalog/d.ts', '../lib/a.ts'),
    file('billing/a.ts', '../lib/a.ts'),
    file('ledger/b.ts', '../lib/a.ts'),
    file('lib/a.ts', '../limits.ts'),
  ]
  assert.deepEqual(circlesOfRooms(rooms), ['ledger → catalog → billing → ledger'])
  assert.deepEqual(circlesOfFiles(rooms), [])

  const [one, two] = ['apps/server/src/ledger/one.ts', 'apps/server/src/ledger/two.ts']
  const circle = [file('ledger/one.ts', './two.ts'), file('ledger/two.ts', './one.ts')]
  assert.deepEqual(circlesOfRooms(circle), [])
  assert.deepEqual(circlesOfFiles(circle), [`${one} → ${two} → ${one}`])
})

test('a read of the environment is found', () => {
  for (const text of [
    'const a = process.env.HOST',
    'const { HOST } = process.env',
    'const a = process?.env',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program.
    'const a = `${process.env.HOST}`',
    "const a = process['env']",
    "import { env, pid } from 'node:process'",
  ]) {
    assert.equal(environmentReads({ path: 'a.ts', text }).length, 1, text)
  }
  for (const text of [
    '// process.env is read in config.ts',
    "throw new Error('set it in process.env')",
    'const a = `process.env`',
    "import { pid } from 'node:process'",
  ]) {
    assert.deepEqual(environmentReads({ path: 'a.ts', text }), [], text)
  }
})

test('a read of the clock is found', () => {
  for (const text of [
    'const now = Date.now()',
    'const clock = Date.now',
    'const now = new Date()',
    'const now = new Date',
    'const now = Date()',
    'const started = performance.now()',
    'const started = process.hrtime.bigint()',
    'const now = Temporal.Now.instant()',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program.
    'const text = `at ${new Date().toISOString()}`',
    'const pattern = /[\'"`]/; const now = Date.now()',
    'const half = (a + b) / 2; const now = Date.now() / 2',
  ]) {
    assert.deepEqual(clockReads({ path: 'a.ts', text: `\n${text}` }), [
      'a.ts:2: reads the clock; take `now`, or a Clock, as an argument',
    ])
  }
  for (const text of [
    'const date = new Date(ms)',
    'const date = new Date(Date.UTC(year, month))',
    'const ms = Date.parse(text)',
    'const format = new DateTimeFormat()',
    'const at = Temporal.Instant.fromEpochMilliseconds(ms)',
    '/* Date.now() */ const now = clock.now()',
    "const text = 'Date.now()'",
  ]) {
    assert.deepEqual(clockReads({ path: 'a.ts', text }), [], text)
  }
})

test('a long file is found at its first line too many', () => {
  assert.deepEqual(longFile({ path: 'a.ts', text: 'x\n'.repeat(400) }, 400), [])
  assert.deepEqual(longFile({ path: 'a.ts', text: 'x\n'.repeat(401) }, 400), [
    'a.ts: 401 lines; at most 400',
  ])
})

test('a long function is found at its first line too many, however it is written', () => {
  const statement = '  run({ a: [1] }) // {('
  const blocks = [
    'function a() {',
    'export async function* a<T extends { b: 1 }>(c: T = {} as T): AsyncGenerator<{ d: 1 }> {',
    'const a = () => {',
    'const a = async ({ b }: { b: 1 }): Promise<void> => {',
    'const a = b => {',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a program.
    "const a = '{(' + `{(${'{('}` + /[/{(]\\/{(/.source /* {( */; function b() {",
  ].map((first) => [first, statement, '}'] as const)
  const members = ['b(): void {', 'static async #b() {', 'get b() {', 'constructor() {', '[b]() {']
    .map((first) => `class A { ${first}`)
    .concat('const a = { b() {')
    .map((first) => [first, statement, '} }'] as const)
  const expressions = [
    ['const a = (b: 1) => ({', '  ...c,', '})'],
    ['const a = (b: 1) => [', '  ...c,', ']'],
    ['const a = (b: 1) => c(', '  ...d,', ')'],
    ['const a = (b: 1) =>', '  c +', '  d'],
    ['const a = (b: 1) => c', '  .d()', '  .e()'],
  ] as const
  for (const [first, inside, last] of [...blocks, ...members, ...expressions]) {
    const lines = (count: number) => [
      first,
      ...Array<string>(count - 2).fill(inside),
      last,
      '',
      'f()',
    ]
    const longest = (count: number) =>
      longFunctions({ path: 'a.ts', text: lines(count).join('\n') }, 70)
    assert.deepEqual(longest(70), [], first)
    assert.deepEqual(
      longest(71),
      ['a.ts:1: a function of 71 lines; at most 70 can be seen whole'],
      first,
    )
  }
})

test('blocks that are no functions may be long, and so may the callbacks of tests', () => {
  const body = '  run()\n'.repeat(100)
  for (const before of [
    'if (a) {',
    'for await (const a of b) {',
    'switch (a) { default:',
    'try { a() } catch (error) {',
    '{',
    "test('a', async (t) => {",
    "describe('a', () => {",
    "test.only('a', { timeout: 1 }, function () {",
  ]) {
    const after = /^(test|describe)/.test(before) ? '})' : '}'
    const text = `${before}\n${body}${after}\n`
    assert.deepEqual(longFunctions({ path: 'a.ts', text }, 70), [], before)
  }
  const inside = `describe('a', () => {\n  const b = () => {\n${body}  }\n})\n`
  assert.equal(longFunctions({ path: 'a.ts', text: inside }, 70).length, 1)
})

test('a name that says nothing is found, of a file as of a folder', () => {
  const bad = ['src/utils.ts', 'src/common/a.ts', 'src/Helpers/a.ts', 'a/string.d/util.test.ts']
  const good = ['src/commons.ts', 'src/uncommon.ts', 'src/money.ts']
  assert.deepEqual(emptyNames([...bad, ...good]), bad)
})

test('a note of what is not done is found', () => {
  const text = `// ${'TO'}${'DO'}: later\nconst todo = 1 // ${'FIX'}${'ME'}`
  assert.equal(unfinished({ path: 'a.ts', text }).length, 2)
})
