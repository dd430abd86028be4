import { PROBLEMS, STAFF_ROLES, type StaffRole } from '@tollgate/contract'
import { type Command, Option } from 'commander'
import { createOperator, type OperatorDependencies } from './access/operators/create-operator.ts'
import { resetPasswordOf, unlockPerson } from './access/operators/recover.ts'
import { Passwords } from './access/sign-in/passwords.ts'
import { askPassword } from './ask-password.ts'
import { onDatabase } from './command-database.ts'
import { COMMAND_LINE } from './lib/audit-entry.ts'
import { systemClock } from './lib/clock.ts'
import { ProblemError } from './lib/problem-error.ts'
import { UsageError } from './usage-error.ts'

type CreateOptions = { email: string; name?: string; role: StaffRole; passwordFile?: string }

/** `tollgate admin …`: what somebody at the machine does for the operator's people. */
export function adminCommands(program: Command): void {
  const admin = program.command('admin').description("the operator's people, from this machine")
  admin
    .command('create')
    .description('make a person of the operator; the password is asked for, or read from stdin')
    .requiredOption('--email <email>')
    .option('--name <name>', 'left out: the e-mail address')
    .addOption(new Option('--role <role>').choices(STAFF_ROLES).default('admin'))
    .option('--password-file <file>', 'its first line is the password')
    .action(create)
  admin
    .command('unlock <email>')
    .description('let a person sign in again who failed too often')
    .action(unlock)
  admin
    .command('reset-password <email>')
    .description('give a person another password, and end their sessions')
    .option('--password-file <file>', 'its first line is the password')
    .action(resetPassword)
}

async function create({ email, name, role, passwordFile }: CreateOptions): Promise<void> {
  await asAdmin(async (deps) => {
    const password = await askPassword(passwordFile)
    const wanted = { email, name: name ?? email, role, password }
    const made = await createOperator(deps, COMMAND_LINE, wanted)
    process.stdout.write(`${made.email} can sign in now, as ${role} (${made.memberId}).\n`)
  })
}

async function unlock(email: string): Promise<void> {
  await asAdmin(async (deps) => {
    await unlockPerson(deps, COMMAND_LINE, email)
    process.stdout.write(`${email} can sign in again, as soon as a node is running.\n`)
  })
}

async function resetPassword(email: string, options: { passwordFile?: string }): Promise<void> {
  await asAdmin(async (deps) => {
    const password = await askPassword(options.passwordFile)
    await resetPasswordOf(deps, COMMAND_LINE, email, password)
    process.stdout.write(`${email} has the new password. Their sessions have ended.\n`)
  })
}

async function asAdmin(work: (deps: OperatorDependencies) => Promise<void>): Promise<void> {
  try {
    await onDatabase((pool) => work({ pool, passwords: new Passwords(), clock: systemClock }))
  } catch (error) {
    throw error instanceof ProblemError ? new UsageError(sentence(error)) : error
  }
}

/** A problem as a person at a terminal reads it. */
export function sentence({ code, detail, errors }: ProblemError): string {
  const fields = errors?.map(({ field, message }) => `${field}: ${message}`)
  return fields?.join('\n') ?? detail ?? PROBLEMS[code].title
}
