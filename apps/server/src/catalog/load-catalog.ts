import { isDeepStrictEqual } from 'node:util'
import type pg from 'pg'
import { inTransaction, type Queryable } from '../db/pool.ts'
import type { CatalogDefinition } from './schema.ts'
import {
  insertPlanVersion,
  insertRules,
  lockCatalog,
  readLatestPlanVersions,
  readLatestRules,
} from './store.ts'
import { type StoredRules, storedRules, storedTerms } from './stored.ts'

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
    await lockCatalog(db)
    return { plans: await addPlanVersions(db, catalog), rules: await addRules(db, catalog) }
  })
}

async function addPlanVersions(
  db: Queryable,
  { plans }: CatalogDefinition,
): Promise<CatalogChanges['plans']> {
  const latest = new Map((await readLatestPlanVersions(db)).map((row) => [row.plan, row]))
  const added: CatalogChanges['plans'] = []
  for (const [plan, terms] of Object.entries(plans)) {
    const stored = latest.get(plan)
    if (stored !== undefined && isDeepStrictEqual(storedTerms(stored), terms)) continue
    const version = (stored?.version ?? 0) + 1
    await insertPlanVersion(db, plan, version, terms)
    added.push({ plan, version })
  }
  return added
}

async function addRules(db: Queryable, { services, plans }: CatalogDefinition): Promise<boolean> {
  const rules: StoredRules = { services, offered: Object.keys(plans).sort() }
  const stored = await readLatestRules(db)
  if (stored !== null && isDeepStrictEqual(storedRules(stored), rules)) return false
  await insertRules(db, (stored?.version ?? 0) + 1, rules)
  return true
}
