import type pg from 'pg'
import type { Catalog } from '../catalog/catalog.ts'
import { isUniqueViolation } from '../db/errors.ts'
import { inTransaction } from '../db/pool.ts'
import type { Actor } from '../lib/caller.ts'
import type { Clock } from '../lib/clock.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { appendAudit } from './audit/append.ts'
import type { Directory } from './directory.ts'
import { issueKey } from './keys.ts'
import { insertService, revokeKeyOfService, type ServiceRow } from './store.ts'

/** Registers a service and makes its key, or neither. Prices know of it when this returns. */
export async function registerService(
  { pool, catalog, clock }: { pool: pg.Pool; catalog: Catalog; clock: Clock },
  actor: Actor,
  service: { name: string; trustReported: boolean },
): Promise<{ service: ServiceRow; key: string; keyId: string }> {
  try {
    const registered = await inTransaction(pool, async (db) => {
      const row = await insertService(db, service)
      const made = await issueKey(db, 'service', { serviceNo: row.service_no })
      await appendAudit(db, actor, {
        tenantNo: null,
        action: 'service.registered',
        object: { kind: 'service', id: row.name },
        after: { trust_reported: row.trust_reported, key_id: made.keyId },
        recordedAt: clock.now(),
      })
      return { service: row, ...made }
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

/** One more key: to replace one that was lost or became known. */
export async function makeServiceKey(
  { pool, clock }: { pool: pg.Pool; clock: Clock },
  actor: Actor,
  service: ServiceRow,
): Promise<{ key: string; keyId: string }> {
  return inTransaction(pool, async (db) => {
    const made = await issueKey(db, 'service', { serviceNo: service.service_no })
    await appendAudit(db, actor, {
      tenantNo: null,
      action: 'service_key.created',
      object: { kind: 'key', id: made.keyId },
      after: { service: service.name },
      recordedAt: clock.now(),
    })
    return made
  })
}

/** This node refuses the key at once, others within KEY_CACHE_SECONDS. */
export async function revokeServiceKey(
  { pool, directory, clock }: { pool: pg.Pool; directory: Directory; clock: Clock },
  actor: Actor,
  keyId: string,
): Promise<void> {
  await inTransaction(pool, async (db) => {
    if (!(await revokeKeyOfService(db, keyId))) throw new ProblemError('not_found')
    await appendAudit(db, actor, {
      tenantNo: null,
      action: 'service_key.revoked',
      object: { kind: 'key', id: keyId },
      recordedAt: clock.now(),
    })
  })
  directory.forgetCallers()
}
