import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import type pg from 'pg'
import { appendAudit } from './access/audit/append.ts'
import { type CatalogDiff, isEmptyDiff } from './catalog/catalog-diff.ts'
import { applyFile, CatalogMovedError } from './catalog/catalog-file.ts'
import { diffText } from './catalog/diff-text.ts'
import { type CatalogFile, readCatalogFile } from './catalog/read-catalog.ts'
import { tenantsOnVersions } from './catalog/tenants-on-versions.ts'
import { previewChange, wholeCatalog } from './catalog/write-change.ts'
import { onDatabase } from './command-database.ts'
import { tenantsByPlanVersion } from './ledger/readings-by-plan.ts'
import { systemClock } from './lib/clock.ts'
import { CATALOG_REFRESH_SECONDS } from './limits.ts'
import { UsageError } from './usage-error.ts'

/** `tollgate plans …`: what a catalog file would change, and changing it. */
export function plansCommands(program: Command): void {
  const plans = program.command('plans').description('plans and endpoint rules, from a file')
  plans
    .command('diff <file>')
    .description('say what applying a catalog file would change, and for how many tenants')
    .action(async (file: string) => {
      const read = await readCatalogFile(file)
      await onDatabase(async (pool) => void (await show(pool, read)))
    })
  plans
    .command('apply <file>')
    .description('say it, ask, and do it; nodes that run follow within seconds')
    .option('--yes', 'do not ask')
    .action(async (file: string, options: { yes?: boolean }) => {
      const read = await readCatalogFile(file)
      await onDatabase((pool) => apply(pool, read, options.yes === true))
    })
}

async function show(pool: pg.Pool, { definition }: CatalogFile): Promise<CatalogDiff> {
  const diff = await previewChange(pool, wholeCatalog(definition))
  const tenants = await tenantsOnVersions(pool, await tenantsByPlanVersion(pool))
  process.stdout.write(diffText(diff, tenants))
  return diff
}

async function apply(pool: pg.Pool, file: CatalogFile, unasked: boolean): Promise<void> {
  const shown = await show(pool, file)
  // Also a file that changes nothing is applied: that it is in force, starts must know.
  if (!isEmptyDiff(shown) && !unasked) await confirm()
  const deps = { pool, clock: systemClock, audit: appendAudit }
  const done = await applyFile(deps, file, unasked ? null : shown).catch((error: unknown) => {
    if (!(error instanceof CatalogMovedError)) throw error
    throw new UsageError(
      'Nothing was changed: somebody else changed the catalog meanwhile. Look at the difference again.',
    )
  })
  process.stdout.write(
    isEmptyDiff(done)
      ? 'Nothing to change.\n'
      : `Applied. Nodes that run follow within ${CATALOG_REFRESH_SECONDS} seconds.\n`,
  )
}

/** @throws UsageError unless somebody says yes */
async function confirm(): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'Nothing was changed: there is no terminal to ask at. To apply it unasked, add --yes.',
    )
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const cancelled = new AbortController()
  for (const event of ['SIGINT', 'close']) terminal.once(event, () => cancelled.abort())
  const question = terminal.question('Apply this? [y/N] ', { signal: cancelled.signal })
  const answer = await question.catch(() => '').finally(() => terminal.close())
  if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Nothing was changed.')
}
