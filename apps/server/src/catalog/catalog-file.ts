import { isDeepStrictEqual } from 'node:util'
import { inTransaction } from '../db/pool.ts'
import { COMMAND_LINE, SYSTEM } from '../lib/audit-entry.ts'
import { type CatalogDiff, isEmptyDiff } from './catalog-diff.ts'
import { plansAudit } from './change-audit.ts'
import { type ChangeDependencies, tell } from './change-catalog.ts'
import type { CatalogFile } from './read-catalog.ts'
import { lockCatalog, readCatalogSource, writeCatalogSource } from './store.ts'
import { wholeCatalog, writeChange } from './write-change.ts'

/**
 * Loads the file that a node starts with, unless it is in force already: because the start before had
 * it, or because it was applied since. So a start does not undo what was changed over the API. Of
 * nodes that start together with the same file, one loads it.
 * @returns null when it was in force
 */
export async function loadFileAtStart(
  deps: ChangeDependencies,
  { definition, hash }: CatalogFile,
): Promise<CatalogDiff | null> {
  return inTransaction(deps.pool, async (db) => {
    await lockCatalog(db)
    const source = await readCatalogSource(db)
    if (source?.started_hash?.equals(hash)) return null
    // From now on it is this file that counts, and one that was applied before is another again.
    await writeCatalogSource(db, { startedHash: hash, appliedHash: null })
    if (source?.applied_hash?.equals(hash)) return null
    const written = await writeChange(db, wholeCatalog(definition))
    await tell(deps, db, SYSTEM, plansAudit('catalog.loaded', written))
    return written.diff
  })
}

/** Somebody else changed the catalog between the look at a change and its being made. */
export class CatalogMovedError extends Error {
  override name = 'CatalogMovedError'
}

/**
 * Makes a file the one that is in force. Nodes that run take it over, and the next start with the file
 * of the last one, or with this one, does not undo it.
 * @param shown what was agreed to; null: whatever it does
 * @throws CatalogMovedError when it would do something else by now
 */
export async function applyFile(
  deps: ChangeDependencies,
  { definition, hash }: CatalogFile,
  shown: CatalogDiff | null,
): Promise<CatalogDiff> {
  return inTransaction(deps.pool, async (db) => {
    const written = await writeChange(db, wholeCatalog(definition))
    const { diff } = written
    if (shown !== null && !isEmptyDiff(diff) && !isDeepStrictEqual(diff, shown)) {
      throw new CatalogMovedError()
    }
    const source = await readCatalogSource(db)
    const startedHash = source?.started_hash ?? null
    await writeCatalogSource(db, { startedHash, appliedHash: hash })
    await tell(deps, db, COMMAND_LINE, plansAudit('catalog.applied', written))
    return diff
  })
}
