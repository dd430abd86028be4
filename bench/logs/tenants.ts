import type pg from 'pg'
import type { Catalog } from '../../apps/server/src/catalog/catalog.ts'
import { inTransaction } from '../../apps/server/src/db/pool.ts'
import { openLog } from '../../apps/server/src/ledger/open.ts'
import type { Account } from '../../apps/server/src/ledger/types.ts'

/** Of ten tenants so many are on each plan. */
const MIX: readonly [plan: string, tenants: number][] = [
  ['pro', 4],
  ['team', 2],
  ['free', 2],
  ['prepaid', 2],
]
const PLANS = MIX.flatMap(([plan, tenants]) => Array.from({ length: tenants }, () => plan))
const TENANTS_PER_TRANSACTION = 1_000

export type Place = { pool: pg.Pool; catalog: Catalog }

/** A tenant of the bench: what its log made of it, and what was sent. */
export type Customer = {
  tenantId: string
  plan: string
  account: Account
  allowed: number
  denied: number
}

export function planOf(index: number): string {
  return PLANS[index % PLANS.length]!
}

/** Tenants with the first line of their logs, as if they had begun at `openedAt`. */
export async function openTenants(
  { pool, catalog }: Place,
  wanted: readonly { tenantId: string; plan: string }[],
  openedAt: number,
): Promise<Customer[]> {
  const customers: Customer[] = []
  for (let from = 0; from < wanted.length; from += TENANTS_PER_TRANSACTION) {
    const some = wanted.slice(from, from + TENANTS_PER_TRANSACTION)
    const opened = await inTransaction(pool, async (db) => {
      const tenantNos = await insertTenants(
        db,
        some.map(({ tenantId }) => tenantId),
      )
      const made: Customer[] = []
      for (const { tenantId, plan } of some) {
        const account = await openLog(db, {
          tenantNo: tenantNos.get(tenantId)!,
          planVersionNo: catalog.latestPlan(plan)!.planVersionNo,
          timeZone: 'UTC',
          region: null,
          now: openedAt,
        })
        made.push({ tenantId, plan, account, allowed: 0, denied: 0 })
      }
      return made
    })
    customers.push(...opened)
  }
  return customers
}

async function insertTenants(db: pg.ClientBase, ids: string[]): Promise<Map<string, number>> {
  const { rows } = await db.query<{ tenant_id: string; tenant_no: number }>(
    `INSERT INTO tenant (tenant_id, name, email)
     SELECT id, id, id || '@bench.example' FROM unnest($1::text[]) AS id
     RETURNING tenant_id, tenant_no`,
    [ids],
  )
  return new Map(rows.map((row) => [row.tenant_id, row.tenant_no]))
}
