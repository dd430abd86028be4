import type { Queryable } from '../../db/pool.ts'

/** Of everybody who belongs to the tenant now. */
export async function readEmailsOfTenant(db: Queryable, tenantNo: number): Promise<string[]> {
  const { rows } = await db.query<{ email: string }>(
    'SELECT email FROM member WHERE tenant_no = $1 AND removed_at IS NULL ORDER BY member_no',
    [tenantNo],
  )
  return rows.map(({ email }) => email)
}
