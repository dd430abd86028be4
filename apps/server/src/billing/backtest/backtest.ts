import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import type { OtherCatalog } from '../../catalog/other-catalog.ts'
import { logOf } from '../../ledger/log.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import { BACKTEST_TENANTS_AT_ONCE, BACKTEST_TENANTS_PER_READ } from '../../limits.ts'
import { readProfile } from '../profile/store.ts'
import { loadTerms } from '../usage/fold.ts'
import { timelineOf } from '../usage/timeline.ts'
import { backtestLog } from './backtest-log.ts'
import type { Range } from './range.ts'
import { readLinesToTest, readTenantsToTest, type TenantToTest, type Whose } from './store.ts'
import { type BacktestRow, rowsOf } from './totals.ts'
import { versionsIn } from './versions.ts'

export type BacktestDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock }

export type Backtest = {
  readonly other: OtherCatalog
  readonly range: Range
  onLines?: (lines: number) => void
}

/** How many lines there are to go through. */
export function linesToTest({ pool }: BacktestDependencies, whose: Whose): Promise<number> {
  return readLinesToTest(pool, whose)
}

/** Of the tenants named, the places in the list of those that do not exist. */
export async function unknownTenants(
  { pool }: Pick<BacktestDependencies, 'pool'>,
  tenantIds: readonly string[],
): Promise<number[]> {
  const found = await readTenantsToTest(pool, { tenantIds }, 0, tenantIds.length)
  const known = new Set(found.map(({ tenantId }) => tenantId))
  return tenantIds.flatMap((id, index) => (known.has(id) ? [] : [index]))
}

/** Everybody whose logs are asked for, a few at a time; rows come in the order of the tenants. */
export async function* backtestAll(
  deps: BacktestDependencies,
  backtest: Backtest,
  whose: Whose,
): AsyncGenerator<BacktestRow[]> {
  let afterNo = 0
  for (;;) {
    const tenants = await readTenantsToTest(deps.pool, whose, afterNo, BACKTEST_TENANTS_PER_READ)
    const last = tenants.at(-1)
    if (last === undefined) return
    for (const rows of await backtestTenants(deps, backtest, tenants)) yield rows
    afterNo = last.tenantNo
  }
}

/** @returns the rows of each tenant, in their order; none for one without a period in the range */
export async function backtestTenants(
  deps: BacktestDependencies,
  backtest: Backtest,
  tenants: readonly TenantToTest[],
): Promise<BacktestRow[][]> {
  const results: BacktestRow[][] = new Array(tenants.length)
  let next = 0
  const worker = async () => {
    while (next < tenants.length) {
      const index = next
      next += 1
      results[index] = await backtestTenant(deps, backtest, tenants[index]!)
    }
  }
  await Promise.all(Array.from({ length: BACKTEST_TENANTS_AT_ONCE }, worker))
  return results
}

async function backtestTenant(
  { pool, catalog, clock }: BacktestDependencies,
  { other, range, onLines }: Backtest,
  { tenantNo, tenantId, lines }: TenantToTest,
): Promise<BacktestRow[]> {
  const { now } = await accountAt(pool, catalog, tenantNo, clock.now())
  const log = logOf(pool, tenantNo)
  // A log only grows, so up to its length at the beginning it needs no snapshot.
  const changes = (await log.changes()).filter(({ seq }) => seq <= lines)
  const spans = timelineOf(changes, now)
  const versions = versionsIn(changes)
  const termsOf = await loadTerms(
    catalog,
    versions.map((planVersionNo) => ({ planVersionNo })),
  )
  const profile = await readProfile(pool, tenantNo)
  const toTest = { log, versions, spans, termsOf, profile, other, range, throughSeq: lines }
  return rowsOf(tenantId, await backtestLog({ ...toTest, ...(onLines && { onLines }) }))
}
