import { execFile } from 'node:child_process'

/** What our commands need, and nothing of ours: no PG* variable may point PostgreSQL elsewhere. */
export const COMMAND_ENVIRONMENT = { PATH: '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C', TZ: 'UTC' }

export type OsAccount = { name: string; uid: number; gid: number }

/** Runs a short command to its end as `account` (null: as ourselves). A command that cannot run has no exit code. */
export function runCommand(
  command: string,
  args: string[],
  account: OsAccount | null,
): Promise<{ exitCode: number | null; output: string }> {
  const options = {
    cwd: '/',
    env: COMMAND_ENVIRONMENT,
    ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
  }
  return new Promise((resolve) => {
    const done = (error: Error | null, stdout: string, stderr: string) => {
      const output = `${stdout}${stderr}`
      if (error === null) return resolve({ exitCode: 0, output })
      const { code } = error as { code?: unknown }
      if (typeof code === 'number') return resolve({ exitCode: code, output })
      resolve({ exitCode: null, output: output === '' ? error.message : output })
    }
    try {
      execFile(command, args, options, done)
    } catch (error) {
      done(error as Error, '', '')
    }
  })
}
