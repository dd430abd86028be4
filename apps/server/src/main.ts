import { Command } from 'commander'
import { adminCommands } from './admin-command.ts'
import { checkCatalogSchema, writeCatalogSchema } from './catalog-schema-command.ts'
import { type ArchiveOptions, archiveCommand } from './archive-command.ts'
import { type BacktestOptions, backtestCommand } from './backtest-command.ts'
import { CatalogError } from './catalog/parse-catalog.ts'
import { ConfigError, readConfig } from './config.ts'
import { EmbeddedPostgresError } from './db/embedded/index.ts'
import { createLog } from './log.ts'
import { checkOpenapi, writeOpenapi } from './openapi.ts'
import { plansCommands } from './plans-command.ts'
import { rebuildCommand } from './rebuild-command.ts'
import { checkRoles, writeRoles } from './roles-command.ts'
import { serve } from './serve.ts'
import { openTerminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'
import { type VerifyOptions, verifyCommand } from './verify-command.ts'

const program = new Command('tollgate').description('Meters, controls and bills API calls.')

program
  .command('serve', { isDefault: true })
  .description('start a node')
  .action(async () => {
    const config = readConfig()
    await serve(config, createLog(config.logLevel), openTerminal(process.stdout))
  })

program
  .command('verify')
  .description(
    'fold every log and hash every audit chain from its beginning, and compare with what is stored; exit 1 if anything differs',
  )
  .option('--heads <file>', 'compare the audit log with heads that were saved before, too')
  .option('--save-heads <file>', 'save the heads of the audit log, to be kept elsewhere')
  .option('--invoices', 'work out again everything that was measured and billed, too')
  .action(async (options: VerifyOptions) => {
    const config = readConfig()
    process.exitCode = await verifyCommand(config, createLog('warn'), options)
  })

program
  .command('rebuild')
  .description('make what is folded from the logs again, while nodes go on serving')
  .action(async () => {
    process.exitCode = await rebuildCommand(readConfig(), createLog('warn'))
  })

program
  .command('archive')
  .description('write old months of the log to Parquet files; deletes nothing')
  .requiredOption('--before <month>', 'months before this one, as in 2025-01, UTC')
  .requiredOption('--out <folder>', 'where to; what is complete there stays as it is')
  .option('--tenant <id>', 'one alone, in files of its own')
  .action((options: ArchiveOptions) => archiveCommand(options))

program
  .command('backtest')
  .description('what every tenant would have paid under another catalog; changes nothing')
  .requiredOption('--catalog <file>', 'the other catalog')
  .requiredOption('--from <date>', 'periods that lie between the two are compared: a date or time')
  .requiredOption('--to <date>', 'the end, not included')
  .option('--tenant <id...>', 'these alone; left out: all but those on test clocks')
  .option('--json', 'write JSON instead of a table')
  .action((options: BacktestOptions) => backtestCommand(options))

adminCommands(program)
plansCommands(program)

program
  .command('openapi')
  .description('write openapi.json')
  .option('--check', 'compare instead; exit 1 if it differs')
  .action(async (options: { check?: boolean }) => {
    if (options.check === true) process.exitCode = await checkOpenapi()
    else await writeOpenapi()
  })

program
  .command('roles')
  .description('write ROLES.md: who may do what')
  .option('--check', 'compare instead; exit 1 if it differs')
  .action(async (options: { check?: boolean }) => {
    if (options.check === true) process.exitCode = await checkRoles()
    else await writeRoles()
  })

program
  .command('catalog-schema')
  .description('write catalogs/catalog.schema.json, for editors')
  .option('--check', 'compare instead; exit 1 if it differs')
  .action(async (options: { check?: boolean }) => {
    if (options.check === true) process.exitCode = await checkCatalogSchema()
    else await writeCatalogSchema()
  })

/** Not reached, or not let in: codes of Node, and SQLSTATE for a wrong user, password or database. */
const UNUSABLE_DATABASE = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|28000|28P01|3D000)$/

try {
  await program.parseAsync()
} catch (error) {
  process.stderr.write(`\n${explain(error)}\n`)
  process.exit(1)
}

/** What people can do something about is told in a sentence; the rest with its stack. */
function explain(error: unknown): string {
  const expected = [ConfigError, CatalogError, EmbeddedPostgresError, UsageError]
  if (expected.some((kind) => error instanceof kind)) return (error as Error).message
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number }
  if (code === 'EADDRINUSE')
    return `Port ${port} is in use. Set PORT to another one (0: any free one).`
  if (code === 'EACCES' && port !== undefined)
    return `Port ${port} may not be used by this user. Set PORT to another one.`
  if (UNUSABLE_DATABASE.test(code ?? '')) {
    return `The database at DATABASE_URL cannot be used: ${message}`
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
