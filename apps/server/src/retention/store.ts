import type { Queryable } from '../db/pool.ts'

/**
 * Tenants of whose log something may go: periods were closed since it was cut last, or what was cut off is
 * still there. Nothing else can have made a line past retention that nobody needs.
 */
export async function readTenantsToCut(
  db: Queryable,
  afterTenantNo: number,
  limit: number,
): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    `SELECT p.tenant_no FROM billing_position AS p LEFT JOIN LATERAL (
       SELECT kept_from FROM log_cut WHERE tenant_no = p.tenant_no ORDER BY seq DESC LIMIT 1
     ) AS c ON true
     WHERE p.tenant_no > $1 AND (
       c.kept_from IS NULL OR c.kept_from < p.open_from
       OR EXISTS (SELECT FROM log_cut WHERE tenant_no = p.tenant_no AND NOT swept))
     ORDER BY p.tenant_no LIMIT $2`,
    [afterTenantNo, limit],
  )
  return rows.map(({ tenant_no }) => tenant_no)
}
