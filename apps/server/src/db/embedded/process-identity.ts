import { readFile } from 'node:fs/promises'
import { platform } from 'node:process'
import { runCommand } from './run-command.ts'

/** In /proc/<pid>/stat after the closing bracket of the name: the state is first, the start time the 20th. */
const STATE_FIELD = 0
const START_FIELD = 19

/**
 * When the process began, as text that differs for any other process that ever has the same pid.
 * null when there is none; a zombie is none, it only waits for its parent to look.
 */
export async function processStart(pid: number): Promise<string | null> {
  return platform === 'linux' ? startFromProc(pid) : startFromPs(pid)
}

/** The command line of a live process; empty when there is none. */
export async function commandLine(pid: number): Promise<string> {
  if (platform === 'linux') {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    return text.replaceAll('\0', ' ')
  }
  const command = ['-ww', '-o', 'command=', '-p', String(pid)]
  const { exitCode, output } = await runCommand('ps', command, null)
  return exitCode === 0 ? output : ''
}

async function startFromProc(pid: number): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  if (stat === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = fields[STATE_FIELD]
  if (state === 'Z' || state === 'X') return null
  return `${await bootId()}${fields[START_FIELD]}`
}

/** The start time counts from the boot, so it can come again after the next one. */
async function bootId(): Promise<string> {
  const id = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')
  return id.slice(0, 8)
}

async function startFromPs(pid: number): Promise<string | null> {
  const { exitCode, output } = await runCommand(
    'ps',
    ['-o', 'state=,lstart=', '-p', String(pid)],
    null,
  )
  const [, state, started] = /^(\S+)\s+(.+)$/.exec(output.trim()) ?? []
  if (exitCode !== 0 || state === undefined || started === undefined) return null
  return state.startsWith('Z') ? null : String(Date.parse(started))
}
