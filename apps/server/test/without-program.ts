import { spawnSync } from 'node:child_process'

/**
 * Where a program is not installed: why the tests that need it are skipped. Where all must run, that is
 * a failure.
 */
export function withoutProgram(command: string, debianPackage: string): string | false {
  if (spawnSync(command, ['--version']).status === 0) return false
  const why = `${command} is not installed (Debian: apt-get install ${debianPackage})`
  const { CI, TOLLGATE_CI } = process.env
  if (CI || TOLLGATE_CI) throw new Error(why)
  return why
}
