import { geteuid } from 'node:process'
import { EmbeddedPostgresError } from './error.ts'
import { type OsAccount, runCommand } from './run-command.ts'

const ACCOUNTS_IN_ORDER = ['postgres', 'nobody']

export function isRoot(): boolean {
  return geteuid?.() === 0
}

/** PostgreSQL refuses to run as root, so root lends it another user of the system. */
export async function accountForPostgres(): Promise<OsAccount> {
  for (const name of ACCOUNTS_IN_ORDER) {
    const [uid, gid] = await Promise.all([id('-u', name), id('-g', name)])
    if (uid !== null && gid !== null && uid !== 0) return { name, uid, gid }
  }
  throw new EmbeddedPostgresError(
    `PostgreSQL does not run as root, and this system has no user "postgres" or "nobody" to run it as. Start Tollgate as an ordinary user, or set DATABASE_URL.`,
  )
}

/** Asked of the system itself, since permissions, ACLs and mounts have too many ways to say no. */
export async function canEnter(account: OsAccount, folder: string): Promise<boolean> {
  const { exitCode, output } = await runCommand(
    '/bin/sh',
    ['-c', 'cd -- "$1" && echo entered', 'sh', folder],
    account,
  )
  if (exitCode === null && /EPERM/.test(output)) {
    throw new EmbeddedPostgresError(
      `PostgreSQL does not run as root, and this process may not become the user "${account.name}" (${output.trim()}). Start Tollgate as an ordinary user, or set DATABASE_URL.`,
    )
  }
  return exitCode === 0 && output.includes('entered')
}

async function id(flag: '-u' | '-g', name: string): Promise<number | null> {
  const { exitCode, output } = await runCommand('id', [flag, name], null)
  const number = Number(output.trim())
  return exitCode === 0 && Number.isInteger(number) && number > 0 ? number : null
}
