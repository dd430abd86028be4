import type pg from 'pg'
import { pino } from 'pino'
import { insertTenant } from '../src/access/store.ts'
import type { Catalog } from '../src/catalog/catalog.ts'
import { loadCatalog } from '../src/catalog/load-catalog.ts'
import { inTransaction } from '../src/db/pool.ts'
import type { Order } from '../src/ledger/command-of.ts'
import type { Ledger } from '../src/ledger/ledger.ts'
import { openLog } from '../src/ledger/open.ts'
import type { IdempotencyKey } from '../src/ledger/store.ts'
import { LedgerError, type Receipt } from '../src/ledger/submission.ts'
import type { Call } from '../src/ledger/types.ts'
import type { Difference } from '../src/ledger/verify.ts'
import { verifyLogs } from '../src/ledger/verify-logs.ts'
import type { Clock } from '../src/lib/clock.ts'
import { systemClock } from '../src/lib/clock.ts'
import { storedKey } from '../src/lib/idempotency.ts'
import { buildServer } from '../src/server.ts'
import { micros, PLAIN_CALL } from './ledger-accounts.ts'
import { TEST_CATALOG, type TestPlan } from './ledger-plans.ts'
import { testSettings } from './node.ts'

/** The ledger of a node as `main` builds it, on the plans of ledger-plans.ts, without the doors. */
export type LedgerRoom = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  ledger: Ledger
  /** Numbers of new tenants, each with so many credits. */
  tenants(count: number, plan: TestPlan, credits?: number): Promise<number[]>
  /** What differs between the logs and what is stored beside them, by all of `tollgate verify`. */
  differences(): Promise<Difference[]>
  close(): Promise<void>
}

export async function ledgerRoom(
  { url }: { url: string },
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<LedgerRoom> {
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' })
  const server = await buildServer({
    databaseUrl: url,
    clock,
    log,
    settings: testSettings(),
  })
  const { pool, catalog, ledger } = server
  await loadCatalog(pool, TEST_CATALOG)
  await catalog.refresh()
  return {
    pool,
    catalog,
    clock,
    ledger,
    tenants: (count, plan, credits = 0) =>
      newTenants({ pool, catalog, clock, ledger }, count, plan, credits),
    differences: () => differences(pool, catalog),
    close: () => server.stop(),
  }
}

type Room = Pick<LedgerRoom, 'pool' | 'catalog' | 'clock' | 'ledger'>
let tenantsMade = 0

async function newTenants(
  { pool, catalog, clock, ledger }: Room,
  count: number,
  plan: TestPlan,
  credits: number,
): Promise<number[]> {
  const { planVersionNo } = catalog.latestPlan(plan)!
  const tenantNos = await inTransaction(pool, async (client) => {
    const made: number[] = []
    for (let index = 0; index < count; index += 1) {
      tenantsMade += 1
      const named = {
        tenantId: `t-${process.pid}-${tenantsMade}`,
        name: 'T',
        email: 't@example.com',
      }
      const { tenant_no: tenantNo } = await insertTenant(client, named)
      const now = clock.now()
      await openLog(client, { tenantNo, planVersionNo, timeZone: 'UTC', region: null, now })
      made.push(tenantNo)
    }
    return made
  })
  if (credits > 0) {
    const gifts = tenantNos.map((no) =>
      ledger.submit(no, null, giftOf(credits), keyOf(`gift ${no}`)),
    )
    await Promise.all(gifts)
  }
  return tenantNos
}

/** In one snapshot, as the command does it. */
export async function differences(pool: pg.Pool, catalog: Catalog): Promise<Difference[]> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const silent = { total() {}, verified() {} }
    return (await verifyLogs(client, catalog, silent)).differences
  } finally {
    client.release(true)
  }
}

export function keyOf(name: string, fingerprint = 1): IdempotencyKey {
  return { key: storedKey(name), fingerprint }
}

export function callOf(credits = 1, more: Partial<Call> = {}): Order {
  return { kind: 'call', call: { ...PLAIN_CALL, reportedCredits: micros(credits), ...more } }
}

export function giftOf(credits: number): Order {
  return {
    kind: 'grant',
    credits: micros(credits),
    priority: 100,
    expiresAt: null,
    reason: 'gift',
    bought: false,
  }
}

/** The receipt, or the code of the error. */
export function answerOf(submitted: Promise<Receipt>): Promise<Receipt | string> {
  return submitted.catch((error: unknown) => {
    if (error instanceof LedgerError) return error.code
    throw error
  })
}

/** The receipt, or a failure of the test. */
export async function recorded(
  submitted: Promise<Receipt>,
): Promise<Extract<Receipt, { refusal: null }>> {
  const receipt = await submitted
  if (receipt.refusal === null) return receipt
  throw new Error(`refused: ${receipt.refusal}`)
}
