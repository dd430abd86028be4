import type pg from 'pg'
import { inTransaction } from '../db/pool.ts'
import type { CatalogDefinition } from './schema.ts'
import { wholeCatalog, writeChange } from './write-change.ts'

/** What loading a catalog wrote. Empty and false when the database had it all. */
export type CatalogChanges = {
  plans: { plan: string; version: number }[]
  rules: boolean
}

/**
 * Makes the catalog the one that is in force: a new version of each plan whose terms differ from its
 * newest, and of the rules if they differ. All or nothing. The same catalog again changes nothing,
 * also when several nodes load it at once.
 */
export async function loadCatalog(
  pool: pg.Pool,
  catalog: CatalogDefinition,
): Promise<CatalogChanges> {
  return inTransaction(pool, async (db) => {
    const { diff, before, after } = await writeChange(db, wholeCatalog(catalog))
    const written = diff.plans.filter(({ change }) => change === 'new' || change === 'changed')
    return {
      plans: written.map(({ plan, version }) => ({ plan, version })),
      rules: after.version !== before.version,
    }
  })
}
