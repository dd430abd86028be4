import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const COMMAND = 'chromium'
const PAGE_MS_MAX = 60_000
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Where there is no Chromium: why its tests are skipped. Where all must run, that is a failure. */
export function withoutChromium(): string | false {
  if (spawnSync(COMMAND, ['--version']).status === 0) return false
  const why = `${COMMAND} is not installed (Debian: apt-get install chromium)`
  const { CI, TOLLGATE_CI } = process.env
  if (CI || TOLLGATE_CI) throw new Error(why)
  return why
}

/** A page as a browser has it when its scripts have run, and what it wrote to its console. */
export async function openPage(url: string): Promise<{ dom: string; console: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'tollgate-chromium-'))
  const flags = [
    '--headless=new',
    '--disable-gpu',
    '--disable-dev-shm-usage',
    // Root has no sandbox; what is opened here is our own.
    ...(process.geteuid?.() === 0 ? ['--no-sandbox'] : []),
    `--user-data-dir=${folder}`,
    '--enable-logging=stderr',
    '--virtual-time-budget=10000',
    '--dump-dom',
  ]
  const bounds = { timeout: PAGE_MS_MAX, maxBuffer: OUTPUT_BYTES_MAX }
  try {
    const { stdout, stderr } = await promisify(execFile)(COMMAND, [...flags, url], bounds)
    const console = stderr.split('\n').filter((line) => line.includes(':CONSOLE'))
    return { dom: stdout, console }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
