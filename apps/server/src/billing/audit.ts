import type { Queryable } from '../db/pool.ts'
import type { AuditEntry } from '../lib/audit-entry.ts'
import type { Actor } from '../lib/caller.ts'

/** Tells the audit log of what a transaction changes; the last thing that the transaction does. */
export type AppendAudit = (db: Queryable, actor: Actor, entry: AuditEntry) => Promise<void>
