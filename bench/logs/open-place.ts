import { openCatalog } from '../../apps/server/src/catalog/catalog.ts'
import { loadCatalog } from '../../apps/server/src/catalog/load-catalog.ts'
import { readCatalog } from '../../apps/server/src/catalog/read-catalog.ts'
import { migrate } from '../../apps/server/src/db/migrate.ts'
import { ensurePartitions } from '../../apps/server/src/db/partitions.ts'
import { createPool } from '../../apps/server/src/db/pool.ts'
import { progress } from '../report.ts'
import type { Workspace } from '../workspace.ts'
import type { Place } from './tenants.ts'

const CATALOG = new URL('../../catalogs/default.yaml', import.meta.url)

/** A database as a Tollgate leaves it that has run since `began`, for logs to be written into. */
export async function openPlace(
  workspace: Workspace,
  databaseUrl: string,
  began: number,
): Promise<Place> {
  const pool = createPool(databaseUrl, (error) => progress(error.message))
  workspace.onClose(() => pool.end())
  await migrate(pool)
  await ensurePartitions(pool, began)
  await loadCatalog(pool, await readCatalog(CATALOG.pathname))
  return { pool, catalog: await openCatalog(pool) }
}
