import type { Queryable } from '../../db/pool.ts'

/** Held until the transaction ends, also against operators who change the tenant. */
export async function lockSubscriber(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('SELECT 1 FROM tenant WHERE tenant_no = $1 FOR UPDATE', [tenantNo])
}
