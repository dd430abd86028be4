import { appendAudit } from '../src/access/audit/append.ts'
import type { Head } from '../src/access/audit/heads.ts'
import {
  type AuditDifference,
  type VerifiedAudit,
  verifyAudit,
} from '../src/access/audit/verify.ts'
import { createPool, inTransaction } from '../src/db/pool.ts'
import type { AuditEntry } from '../src/lib/audit-entry.ts'
import type { Actor } from '../src/lib/caller.ts'
import { testDatabase } from './database.ts'

const ACTOR: Actor = { kind: 'command_line', id: null, address: null, requestId: null }
const ENTRY: AuditEntry = {
  tenantNo: null,
  action: 'thing.changed',
  object: { kind: 'thing', id: 'thing-1' },
  recordedAt: Date.parse('2026-03-10T12:00:00Z'),
}

/** An audit log on a database of its own. */
export async function auditRoom() {
  const database = await testDatabase()
  const pool = createPool(database.url, () => undefined)
  const verify = (earlier: Head[] = []): Promise<VerifiedAudit> =>
    verifyAudit(pool, earlier, { total() {}, verified() {} })
  return {
    url: database.url,
    pool,
    actor: ACTOR,
    entry: ENTRY,
    append: ({ actor = ACTOR, ...entry }: Partial<AuditEntry> & { actor?: Actor }) =>
      inTransaction(pool, (db) => appendAudit(db, actor, { ...ENTRY, ...entry })),
    // biome-ignore lint/suspicious/noExplicitAny: a line is whatever the table has; tests look into it.
    lines: async (tenantNo: number): Promise<any[]> =>
      (await pool.query('SELECT * FROM audit WHERE tenant_no = $1 ORDER BY seq', [tenantNo])).rows,
    verify,
    differences: async (earlier: Head[] = []): Promise<AuditDifference[]> =>
      (await verify(earlier)).differences,
    async close() {
      await pool.end()
      await database.drop()
    },
  }
}
