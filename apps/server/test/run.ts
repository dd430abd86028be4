import { spawn } from 'node:child_process'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { startTestServer, type TestServer } from './server.ts'

const USAGE = `npm test                    all tests
npm test -- ledger track    the files whose path has one of these words
npm test -- --coverage      and a report of what they reach
Other options that begin with -- go to node (--test-name-pattern=…, --test-only).
TEST_DATABASE_URL: a PostgreSQL to use instead of the embedded one.`
const TEST_FILES = [
  'packages/**/*.test.ts',
  'apps/**/*.test.ts',
  'scripts/**/*.test.ts',
  'bench/**/*.test.ts',
]
const CONCURRENT_FILES = 2
/** A test that waits for something that never comes fails, instead of holding everything up. */
const TEST_MS_MAX = 300_000
const COVERAGE_FLAGS = [
  '--experimental-test-coverage',
  '--test-coverage-include=packages/*/src/**',
  '--test-coverage-include=apps/*/src/**',
  '--test-coverage-exclude=**/*.test.ts',
]

const root = join(import.meta.dirname, '../../..')
process.chdir(root)
process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(USAGE)
    return 0
  }
  const words = args.filter((argument) => !argument.startsWith('--'))
  const files = await testFiles(words)
  if (files.length === 0) {
    console.error(words.length === 0 ? 'There are no tests.' : `No test file matches: ${words}`)
    return 1
  }
  const flags = args
    .filter((argument) => argument.startsWith('--'))
    .flatMap((flag) => (flag === '--coverage' ? COVERAGE_FLAGS : [flag]))
  // What was compiled before tells less exactly what was reached.
  if (args.includes('--coverage')) process.env.NODE_DISABLE_COMPILE_CACHE = '1'
  const server = await startTestServer()
  try {
    return await runTests([...flags, ...files], server)
  } finally {
    await server.stop()
  }
}

async function testFiles(words: string[]): Promise<string[]> {
  const files: string[] = []
  const exclude = (path: string) => path.includes('node_modules')
  for await (const file of glob(TEST_FILES, { exclude })) {
    if (words.length === 0 || words.some((word) => file.includes(word))) files.push(file)
  }
  return files.sort()
}

async function runTests(args: string[], server: TestServer): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      '--test',
      `--import=${pathToFileURL(join(import.meta.dirname, 'nothing-left-running.ts'))}`,
      `--test-concurrency=${CONCURRENT_FILES}`,
      `--test-timeout=${TEST_MS_MAX}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      `--test-reporter=${join(import.meta.dirname, 'counts-reporter.ts')}`,
      `--test-reporter-destination=${server.countsFile}`,
      ...args,
    ],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        TOLLGATE_TEST_DATABASE_URL: server.url,
        TOLLGATE_TEST_TEMPLATE: server.template,
      },
    },
  )
  // In a terminal Ctrl-C reaches the tests too. Either way they end first, then their database.
  const forward = (signal: NodeJS.Signals) => void child.kill(signal)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, forward)
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
  process.stdout.write(await readFile(server.countsFile, 'utf8').catch(() => ''))
  return exitCode
}
