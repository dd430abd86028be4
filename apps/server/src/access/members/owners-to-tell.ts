import type { Queryable } from '../../db/pool.ts'
import { readOwnersToTell } from './store.ts'

/** Who is told of what concerns a tenant, and what the tenant is called: `readOwnersToTell`. */
export function ownersToTell(
  db: Queryable,
  tenantNo: number,
): Promise<{ name: string; emails: string[] }> {
  return readOwnersToTell(db, tenantNo)
}
