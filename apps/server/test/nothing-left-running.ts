import { after } from 'node:test'

/**
 * Loaded before each test file. Node waits for whatever a file leaves running, such as a connection
 * that a failed test did not close, and with it the whole run, without a word. Here such a file says
 * what it left, and fails.
 */
const WAIT_MS_MAX = 30_000

after(() => {
  // It keeps nothing alive by itself: where nothing is left, it never comes.
  setTimeout(() => {
    const left = [...new Set(process.getActiveResourcesInfo())].filter((kind) => kind !== 'Timeout')
    console.error(`${process.argv[1]} left running after its tests: ${left.join(', ') || 'timers'}`)
    process.exit(1)
  }, WAIT_MS_MAX).unref()
})
