import { onlyRow, type Queryable } from '../../db/pool.ts'

/** Whether somebody of the operator's people is an admin. */
export async function hasAdmin(db: Queryable): Promise<boolean> {
  const result = await db.query<{ found: boolean }>(
    `SELECT EXISTS (
       SELECT FROM member WHERE tenant_no IS NULL AND role = 'admin' AND removed_at IS NULL
     ) AS found`,
  )
  return onlyRow(result).found
}
