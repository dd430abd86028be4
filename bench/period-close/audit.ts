import type pg from 'pg'
import { verifyLog } from '../../apps/server/src/ledger/verify.ts'
import type { Customer, Place } from '../logs/tenants.ts'

/** What a call of each plan of the default catalog costs, and the plan itself, in cents. */
const CENTS: Record<string, { perCall: number; base: number }> = {
  pro: { perCall: 10, base: 0 },
  team: { perCall: 0, base: 1_000 },
  free: { perCall: 0, base: 0 },
  prepaid: { perCall: 0, base: 0 },
}

/** From what was sent alone, by the price list. */
export function centsOf({ plan, allowed }: Customer): number {
  const { perCall, base } = CENTS[plan]!
  return base + allowed * perCall
}

type Tenant = { tenant_no: number; cents: string; units: string }

/** Everything that was issued against everything that was sent: what is broken, in sentences. */
export async function auditInvoices(
  pool: pg.Pool,
  customers: readonly Customer[],
): Promise<string[]> {
  const { rows } = await pool.query<Tenant>(
    `SELECT i.tenant_no, (i.total * 100)::int8::text AS cents, coalesce(u.units, 0)::text AS units
     FROM invoice AS i LEFT JOIN (
       SELECT tenant_no, period_start, sum(quantity)::int8 AS units FROM billed_usage
       WHERE meter = 'units' GROUP BY 1, 2) AS u USING (tenant_no, period_start)`,
  )
  const issued = new Map(rows.map((row) => [row.tenant_no, row]))
  const broken: string[] = []
  if (rows.length !== customers.length) {
    broken.push(`${rows.length} invoices for ${customers.length} tenants`)
  }
  for (const customer of customers) {
    const { tenantNo } = customer.account
    const [is, should] = [issued.get(tenantNo), centsOf(customer)]
    if (is === undefined) broken.push(`${customer.tenantId} has no invoice`)
    else if (Number(is.cents) !== should) {
      broken.push(`${customer.tenantId} was asked ${is.cents} cents for ${should} cents of calls`)
    } else if (Number(is.units) !== customer.allowed) {
      broken.push(`${customer.tenantId} was billed ${is.units} units of ${customer.allowed}`)
    }
  }
  const asked = rows.reduce((sum, { cents }) => sum + Number(cents), 0)
  const due = customers.reduce((sum, customer) => sum + centsOf(customer), 0)
  if (asked !== due) broken.push(`${asked} cents were asked in all, ${due} were due`)
  return [...broken, ...(await gaps(pool))]
}

async function gaps(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ numbers: string; first: string; last: string }>(
    `SELECT count(DISTINCT number)::text AS numbers, min(no)::text AS first, max(no)::text AS last
     FROM (SELECT number, substring(number FROM '^INV-(\\d+)$')::int8 AS no FROM invoice) AS i`,
  )
  const { numbers, first, last } = rows[0]!
  if (first === '1' && numbers === last) return []
  return [`there are ${numbers} numbers from ${first} to ${last}`]
}

/** Whether logs that the bench made are what a node would have made, by all of `tollgate verify`. */
export async function auditLogs(
  { pool, catalog }: Place,
  customers: readonly Customer[],
  sample: number,
): Promise<string[]> {
  const client = await pool.connect()
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
    const broken: string[] = []
    const step = Math.max(1, Math.floor(customers.length / sample))
    for (let index = 0; index < customers.length; index += step) {
      const { tenantId, account } = customers[index]!
      const { differences } = await verifyLog(client, catalog, account.tenantNo)
      broken.push(...differences.map(({ seq, what }) => `${tenantId}, line ${seq}: ${what}`))
    }
    return broken
  } finally {
    client.release(true)
  }
}
