import { backtestBody } from '@tollgate/contract'
import { Presets, SingleBar } from 'cli-progress'
import {
  type BacktestDependencies,
  backtestAll,
  linesToTest,
  unknownTenants,
} from './billing/backtest/backtest.ts'
import { backtestText } from './billing/backtest/backtest-text.ts'
import { type Range, rangeOf } from './billing/backtest/range.ts'
import { type BacktestRow, Totals } from './billing/backtest/totals.ts'
import { openCatalog } from './catalog/catalog.ts'
import { otherCatalog } from './catalog/other-catalog.ts'
import { readCatalog } from './catalog/read-catalog.ts'
import type { CatalogDefinition } from './catalog/schema.ts'
import { onDatabase } from './command-database.ts'
import { systemClock } from './lib/clock.ts'
import { UsageError } from './usage-error.ts'

export type BacktestOptions = {
  catalog: string
  from: string
  to: string
  /** Left out: everybody but those on test clocks. */
  tenant?: string[]
  json?: boolean
}

/** Writes to stdout what every tenant would have paid. */
export async function backtestCommand(options: BacktestOptions): Promise<void> {
  const range = rangeFrom(options)
  const definition = await readCatalog(options.catalog)
  const tenantIds = options.tenant ?? null
  await onDatabase(async (pool) => {
    const deps = { pool, catalog: await openCatalog(pool), clock: systemClock }
    await checkTenants(deps, tenantIds)
    const { rows, totals } = await withProgress(deps, { definition, range, tenantIds })
    const result = { currencies: totals.all, data: rows }
    const json = options.json === true
    process.stdout.write(
      json ? `${JSON.stringify(result)}\n` : backtestText(result.data, result.currencies),
    )
  })
}

function rangeFrom({ from, to }: BacktestOptions): Range {
  for (const [name, text] of Object.entries({ from, to })) {
    if (backtestBody.shape.from.safeParse(text).success) continue
    throw new UsageError(
      `--${name} must be a date, as in 2025-01-24, or an ISO 8601 time with a zone, not “${text}”.`,
    )
  }
  try {
    return rangeOf(from, to)
  } catch {
    throw new UsageError('--to must lie after --from.')
  }
}

async function checkTenants(
  deps: BacktestDependencies,
  tenantIds: readonly string[] | null,
): Promise<void> {
  if (tenantIds === null) return
  const unknown = (await unknownTenants(deps, tenantIds)).map((index) => tenantIds[index])
  if (unknown.length > 0) throw new UsageError(`There is no tenant ${unknown.join(', ')}.`)
}

async function withProgress(
  deps: BacktestDependencies,
  asked: { definition: CatalogDefinition; range: Range; tenantIds: readonly string[] | null },
): Promise<{ rows: BacktestRow[]; totals: Totals }> {
  const { definition, range, tenantIds } = asked
  const bar = new SingleBar(
    { format: '{bar} {percentage}% | {value} of {total} lines | {eta_formatted}' },
    Presets.legacy,
  )
  if (process.stderr.isTTY) bar.start(await linesToTest(deps, { tenantIds }), 0)
  const other = await otherCatalog(deps.pool, definition)
  const onLines = (lines: number) => bar.increment(lines)
  const [rows, totals] = [[] as BacktestRow[], new Totals()]
  try {
    for await (const some of backtestAll(deps, { other, range, onLines }, { tenantIds })) {
      rows.push(...some)
      totals.add(some)
    }
  } finally {
    bar.stop()
  }
  return { rows, totals }
}
