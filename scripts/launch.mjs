import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { resolve } from 'node:path'
import { ensureInstalled, pinnedNode, root } from './install.mjs'

const SIGNAL_EXIT_CODE_BASE = 128
const PARENT_CHECK_MS = 250
/** Types need not be stripped, nor anything compiled, that was at an earlier start: two fifths of its processor time. */
const COMPILE_CACHE = 'node_modules/.cache/compile'
/** Requests, then PostgreSQL's shutdown, then its being cut short: the child bounds each, and all end before this. */
const STOP_MS_MAX = 90_000
const parent = process.ppid

/**
 * Installs what is missing, then becomes, as far as a process can, the pinned Node running `file`
 * (relative to the repository): same terminal, same signals, same exit code.
 *
 * The child has an IPC channel to us. When we are killed with -9 the channel breaks, and the child's
 * `process` emits 'disconnect': its chance to stop instead of running on unseen.
 */
export async function launch(file, args, { nodeFlags = [], stopMsMax = STOP_MS_MAX } = {}) {
  try {
    await ensureInstalled()
  } catch (error) {
    console.error(error.message)
    process.exit(1)
  }
  const child = spawn(pinnedNode, [...nodeFlags, resolve(root, file), ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { NODE_COMPILE_CACHE: resolve(root, COMPILE_CACHE), ...process.env },
  })
  const end = (signal) => {
    child.kill(signal)
    // Whatever keeps it from ending, a pipe that nobody reads for instance: nothing is lost by kill -9.
    setTimeout(() => child.kill('SIGKILL'), stopMsMax).unref()
  }
  passOnSignals(end)
  endWithNpm(end)
  child.once('error', (error) => {
    console.error(`${pinnedNode} could not be started: ${error.message}`)
    process.exit(1)
  })
  child.once('exit', (code, signal) => {
    process.exit(code ?? SIGNAL_EXIT_CODE_BASE + constants.signals[signal])
  })
}

function passOnSignals(end) {
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal))
  // Ctrl-C in a terminal reaches the child without us, and a second one could mean "at once" to it.
  const isInTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  process.on('SIGINT', () => {
    if (!isInTerminal) end('SIGINT')
  })
}

/** npm hands a signal to the shell between us, which dies of it and tells nobody. */
function endWithNpm(end) {
  if (process.env.npm_lifecycle_event === undefined) return
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    end('SIGTERM')
  }, PARENT_CHECK_MS)
}
