import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueKey } from './access/keys.ts'
import { createTenant, tenantExists } from './access/tenants.ts'
import { SYSTEM } from './lib/audit-entry.ts'
import type { Server } from './server.ts'

const DEMO_TENANT_ID = 'demo'

/**
 * A tenant to try things with. Its key is kept in the data folder, readable by its owner alone, so
 * that later starts can show it again; no other key is kept anywhere but as a hash.
 * @returns null where the tenant or the file is gone: somebody has taken the trial down
 */
export async function ensureDemoTenant(server: Server, dataDir: string): Promise<string | null> {
  const file = join(dataDir, 'demo-key')
  if (await tenantExists(server.pool, DEMO_TENANT_ID))
    return readFile(file, 'utf8').catch(() => null)

  const { row } = await createTenant(server, SYSTEM, {
    tenant_id: DEMO_TENANT_ID,
    name: 'Demo',
    email: 'demo@example.com',
    plan: server.catalog.latestPlan('pro') === null ? server.catalog.planNames()[0]! : 'pro',
  })
  const { key } = await issueKey(server.pool, 'tenant', { tenantNo: row.tenant_no })
  await writeFile(file, key, { mode: 0o600 })
  return key
}
