import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { inTransaction } from '../db/pool.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { issueKey } from './keys.ts'
import { insertService, type ServiceRow } from './store.ts'

/** Registers a service and makes its key, or neither. Prices know of it when this returns. */
export async function registerService(
  { pool, catalog }: { pool: pg.Pool; catalog: Catalog },
  service: { name: string; trustReported: boolean },
): Promise<{ service: ServiceRow; key: string; keyId: string }> {
  try {
    const registered = await inTransaction(pool, async (db) => {
      const row = await insertService(db, service)
      return { service: row, ...(await issueKey(db, 'service', { serviceNo: row.service_no })) }
    })
    await catalog.refresh()
    return registered
  } catch (error) {
    if (!isUniqueViolation(error, 'service_name_is_unique')) throw error
    throw new ProblemError('already_exists', {
      errors: [{ field: 'name', message: 'there is a service with this name' }],
    })
  }
}
