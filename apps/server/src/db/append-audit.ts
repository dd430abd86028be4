import type { AuditEntry } from '../lib/audit-entry.ts'
import type { Actor } from '../lib/caller.ts'
import type { Queryable } from './pool.ts'

/** Tells the audit log of what a transaction changes; the last thing that the transaction does. */
export type AppendAudit = (db: Queryable, actor: Actor, entry: AuditEntry) => Promise<void>
