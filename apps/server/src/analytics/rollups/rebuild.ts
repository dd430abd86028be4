import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { USAGE_REBUILD_WAIT_MS } from '../../limits.ts'
import { placeTenants, UsageFolder } from './folder.ts'
import { insertNextPositions, readNextCount } from './store.ts'

/**
 * Makes all rollups again from the logs, beside those in use, which they replace tenant by tenant. Nodes
 * that run help, and readers notice nothing. Who is interrupted goes on where it was.
 * @param left told of how many tenants are to come
 */
export async function rebuildRollups(
  pool: pg.Pool,
  left: (tenants: number) => void,
): Promise<void> {
  await placeTenants(pool)
  await insertNextPositions(pool)
  const folder = new UsageFolder(pool)
  for (;;) {
    await folder.run()
    const tenants = await readNextCount(pool)
    left(tenants)
    if (tenants === 0) return
    // Another node is folding just now.
    await sleep(USAGE_REBUILD_WAIT_MS)
  }
}
