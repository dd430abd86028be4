import { startEmbeddedPostgres } from '../src/db/embedded/index.ts'

/** A Tollgate without the rest, for tests to kill: starts the database, says so in one line of JSON, and waits. */
const [dataDir = '', sharedDir = '', settings = '{}'] = process.argv.slice(2)
const log = { info() {}, warn() {}, error() {} }
try {
  const database = await startEmbeddedPostgres({
    dataDir,
    log,
    sharedDir,
    settings: JSON.parse(settings),
  })
  const stop = async () => {
    await database.stop()
    process.exit()
  }
  process.once('SIGTERM', stop)
  // The end of the test that started us, however it ended.
  process.stdin.resume().once('end', stop)
  console.log(JSON.stringify({ url: database.url }))
} catch (error) {
  const { name, message } = error as Error
  console.log(JSON.stringify({ error: message, name }))
}
