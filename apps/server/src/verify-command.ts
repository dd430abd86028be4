import { readFile, writeFile } from 'node:fs/promises'
import { Presets, SingleBar } from 'cli-progress'
import type pg from 'pg'
import type { Logger } from 'pino'
import { type Head, hashOfHeads, headsText, parseHeads } from './access/audit/heads.ts'
import { type VerifiedAudit, verifyAudit } from './access/audit/verify.ts'
import { type VerifiedRollups, verifyRollups } from './analytics/verify/verify.ts'
import type { VerifiedInvoices } from './billing/verify/types.ts'
import { differenceText, verifyInvoices } from './billing/verify/verify-invoices.ts'
import { openCatalog } from './catalog/catalog.ts'
import type { Config } from './config.ts'
import { isMigrated } from './db/migrate.ts'
import { createPool, withoutTimeLimits } from './db/pool.ts'
import { type VerifiedLogs, verifyLogs } from './ledger/verify-logs.ts'
import { joinDatabase } from './open-database.ts'
import { UsageError } from './usage-error.ts'

export type VerifyOptions = {
  /** A file that was written with `saveHeads` before: what it names must still be there. */
  heads?: string
  /** Where to write the heads of the audit log. */
  saveHeads?: string
  /** Whether everything that was billed is worked out again, too. */
  invoices?: boolean
}

/** @returns the exit code: 0 if every log makes exactly what is stored, 1 if anything differs */
export async function verifyCommand(
  config: Config,
  log: Logger,
  options: VerifyOptions,
): Promise<number> {
  const earlier = options.heads === undefined ? [] : await readHeadsFile(options.heads)
  const database = await joinDatabase(config, log)
  const pool = createPool(database.url, (error) => log.warn({ err: error }, 'a connection broke'))
  try {
    if (!(await isMigrated(pool))) {
      process.stderr.write(
        'The database has not been prepared by this version. Start Tollgate once.\n',
      )
      return 1
    }
    const { logs, rollups, audit, invoices } = await verifyAll(
      pool,
      earlier,
      options.invoices === true,
    )
    reportLogs(logs)
    reportRollups(rollups)
    if (invoices !== null) reportInvoices(invoices)
    const heads = reportAudit(audit)
    if (options.saveHeads !== undefined) await saveHeads(options.saveHeads, heads, audit)
    const found = [logs, rollups, audit, invoices].map(
      (verified) => verified?.differences.length ?? 0,
    )
    return found.every((count) => count === 0) ? 0 : 1
  } finally {
    await pool.end()
    await database.close()
  }
}

async function readHeadsFile(file: string): Promise<Head[]> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`The file of heads cannot be read: ${error.message}`)
  })
  const heads = parseHeads(text)
  if (heads === null) {
    throw new UsageError(`${file} holds no heads. Such a file is written by --save-heads.`)
  }
  return heads
}

/** In one snapshot, so that a node that goes on writing is not mistaken for a difference. */
async function verifyAll(
  pool: pg.Pool,
  earlier: Head[],
  withInvoices: boolean,
): Promise<{
  logs: VerifiedLogs
  rollups: VerifiedRollups
  audit: VerifiedAudit
  invoices: VerifiedInvoices | null
}> {
  const catalog = await openCatalog(pool)
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | {value} of {total} lines' },
    Presets.legacy,
  )
  const progress = {
    total: (lines: number) => {
      if (process.stderr.isTTY) bar.start(lines, 0)
    },
    verified: (lines: number) => bar.increment(lines),
  }
  try {
    return await withoutTimeLimits(pool, async (client) => {
      await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
      const logs = await verifyLogs(client, catalog, progress)
      bar.stop()
      const rollups = await verifyRollups(client)
      const invoices = withInvoices ? await verifyInvoices(client, catalog) : null
      return { logs, rollups, invoices, audit: await verifyAudit(client, earlier, progress) }
    })
  } finally {
    bar.stop()
  }
}

function reportLogs({ logs, lines, cut, differences }: VerifiedLogs): void {
  for (const { tenantNo, seq, what } of differences) {
    const place = seq === null ? '' : `, line ${seq}`
    process.stdout.write(`tenant number ${tenantNo}${place}: ${what}\n`)
  }
  process.stdout.write(
    `${lines} lines of ${logs} logs verified, ${differences.length} differences\n`,
  )
  if (cut.logs === 0) return
  process.stdout.write(
    `${cut.logs} logs begin where they were cut: their first ${cut.lines} lines are past retention, and were verified before\n`,
  )
}

function reportRollups({ tenants, rows, past, differences }: VerifiedRollups): void {
  for (const { tenantNo, what } of differences) {
    process.stdout.write(`tenant number ${tenantNo}: ${what}\n`)
  }
  process.stdout.write(
    `${rows} rollups of ${tenants} tenants verified, ${differences.length} differences\n`,
  )
  if (past > 0)
    process.stdout.write(`${past} rollups are of hours past retention: not comparable\n`)
  if (differences.length > 0) process.stdout.write('tollgate rebuild makes rollups again.\n')
}

function reportInvoices({
  tenants,
  invoices,
  creditNotes,
  past,
  differences,
}: VerifiedInvoices): void {
  for (const difference of differences) process.stdout.write(`${differenceText(difference)}\n`)
  process.stdout.write(
    `${invoices} invoices and ${creditNotes} credit notes of ${tenants} tenants worked out again, ${differences.length} differences\n`,
  )
  if (past === 0) return
  process.stdout.write(
    `${past} of these documents were not: lines that they are about are past retention\n`,
  )
}

/** @returns the text of a file of heads */
function reportAudit({ lines, heads, differences }: VerifiedAudit): string {
  for (const { tenantNo, seq, what } of differences) {
    const whose = tenantNo === 0 ? "the operator's audit" : `audit of tenant number ${tenantNo}`
    const place = seq === null ? '' : `, line ${seq}`
    process.stdout.write(`${whose}${place}: ${what}\n`)
  }
  process.stdout.write(
    `${lines} audit lines of ${heads.length} chains verified, ${differences.length} differences\n`,
  )
  const text = headsText(heads)
  process.stdout.write(`audit heads ${hashOfHeads(text)}\n`)
  return text
}

/** Heads of a log that was changed are no witness, and would take the place of those that are. */
async function saveHeads(file: string, heads: string, { differences }: VerifiedAudit) {
  if (differences.length === 0) await writeFile(file, heads)
  else process.stderr.write('The heads were not saved, since the audit log differs.\n')
}
