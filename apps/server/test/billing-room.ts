import { pino } from 'pino'
import type pg from 'pg'
import { insertTenant } from '../src/access/store.ts'
import type { ClosingDependencies } from '../src/billing/invoices/close-periods.ts'
import { loadCatalog } from '../src/catalog/load-catalog.ts'
import { inTransaction } from '../src/db/pool.ts'
import { openLog } from '../src/ledger/open.ts'
import type { Clock } from '../src/lib/clock.ts'
import { buildServer } from '../src/server.ts'
import { BILLING_CATALOG, type BillingPlan } from './billing-plans.ts'
import { testSettings } from './node.ts'

/** What bills on a node as `main` builds it, on the plans of billing-plans.ts, without the doors. */
export type BillingRoom = ClosingDependencies & {
  tenant(plan: BillingPlan, more?: { timeZone?: string; testClock?: number }): Promise<number>
  close(): Promise<void>
}

let tenantsMade = 0

export async function billingRoom({ url }: { url: string }, clock: Clock): Promise<BillingRoom> {
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
  const settings = testSettings()
  const server = await buildServer({ databaseUrl: url, clock, log, settings, jobs: false })
  const { pool, catalog, ledger } = server
  await loadCatalog(pool, BILLING_CATALOG)
  await catalog.refresh()
  const { seller } = settings
  return {
    pool,
    catalog,
    ledger,
    clock,
    seller,
    collects: false,
    async tenant(plan, { timeZone = 'UTC', testClock } = {}) {
      const { planVersionNo, trialDays } = catalog.latestPlan(plan)!
      tenantsMade += 1
      const tenantId = `b-${process.pid}-${tenantsMade}`
      return inTransaction(pool, async (db) => {
        const named = { tenantId, name: 'T', email: 't@example.com' }
        const hasTestClock = testClock !== undefined
        const { tenant_no: tenantNo } = await insertTenant(db, { ...named, hasTestClock })
        const opening = { tenantNo, planVersionNo, timeZone, region: null, now: clock.now() }
        await openLog(db, { ...opening, trialDays, testClock: testClock ?? null })
        return tenantNo
      })
    },
    close: () => server.stop(),
  }
}

/** Rows of a table that the tests of billing look at, by tenant. */
export async function rowsOf<Row extends object>(
  pool: pg.Pool,
  statement: string,
  tenantNo: number,
): Promise<Row[]> {
  return (await pool.query<Row>(statement, [tenantNo])).rows
}
