import { onlyRow, type Queryable } from '../../db/pool.ts'

export type TenantToTest = { tenantNo: number; tenantId: string; lines: number }
/** Whose logs: those of the tenants named, else of all who live in everybody's time. */
export type Whose = { tenantIds: readonly string[] | null }

type TenantRow = { tenant_no: number; tenant_id: string; last_seq: bigint }

/** In the order of their numbers, above `afterNo`. */
export async function readTenantsToTest(
  db: Queryable,
  { tenantIds }: Whose,
  afterNo: number,
  limit: number,
): Promise<TenantToTest[]> {
  const { rows } = await db.query<TenantRow>(
    `SELECT t.tenant_no, t.tenant_id, a.last_seq
     FROM tenant AS t JOIN account AS a ON a.tenant_no = t.tenant_no
     WHERE t.tenant_no > $1 AND CASE WHEN $2::text[] IS NULL THEN NOT t.has_test_clock
       ELSE t.tenant_id = ANY($2::text[]) END
     ORDER BY t.tenant_no LIMIT $3`,
    [afterNo, tenantIds, limit],
  )
  return rows.map((row) => ({
    tenantNo: row.tenant_no,
    tenantId: row.tenant_id,
    lines: Number(row.last_seq),
  }))
}

/** How many lines their logs have together. */
export async function readLinesToTest(db: Queryable, { tenantIds }: Whose): Promise<number> {
  const { lines } = onlyRow(
    await db.query<{ lines: bigint }>(
      `SELECT coalesce(sum(a.last_seq), 0)::int8 AS lines
       FROM tenant AS t JOIN account AS a ON a.tenant_no = t.tenant_no
       WHERE CASE WHEN $1::text[] IS NULL THEN NOT t.has_test_clock
         ELSE t.tenant_id = ANY($1::text[]) END`,
      [tenantIds],
    ),
  )
  return Number(lines)
}
