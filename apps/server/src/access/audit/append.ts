import type pg from 'pg'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { AuditEntry, RecordAudit } from '../../lib/audit-entry.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { type AuditLine, epochText, hashOfLine, NO_HASH } from './hash.ts'
import { insertLine, lockHead } from './store.ts'

/** The chain of what is the operator's own. */
export const OPERATOR_CHAIN = 0

/**
 * Adds a line to a chain, with what the transaction of `db` changes, or not at all. From here to the
 * end of that transaction others who add to the chain wait, so it is the last thing a transaction
 * does: who took other locks after it could wait for one that waits for the chain.
 */
export async function appendAudit(db: Queryable, actor: Actor, entry: AuditEntry): Promise<void> {
  const tenantNo = entry.tenantNo ?? OPERATOR_CHAIN
  const head = await lockHead(db, tenantNo, NO_HASH)
  const line = lineOf(tenantNo, head.last_seq + 1n, actor, entry)
  await insertLine(db, line, new Date(entry.recordedAt), hashOfLine(line, head.last_hash))
}

/** For what a log committed before: a transaction of its own. */
export function auditRecorder({ pool, clock }: { pool: pg.Pool; clock: Clock }): RecordAudit {
  return (actor, entry) =>
    inTransaction(pool, (db) => appendAudit(db, actor, { ...entry, recordedAt: clock.now() }))
}

function lineOf(tenantNo: number, seq: bigint, actor: Actor, entry: AuditEntry): AuditLine {
  return {
    tenantNo,
    seq,
    recordedAt: epochText(entry.recordedAt),
    actorKind: actor.kind,
    actorId: actor.id,
    action: entry.action,
    objectKind: entry.object.kind,
    objectId: entry.object.id,
    address: actor.address,
    requestId: actor.requestId,
    before: jsonText(entry.before),
    after: jsonText(entry.after),
    logSeq: entry.logSeq === null || entry.logSeq === undefined ? null : BigInt(entry.logSeq),
  }
}

function jsonText(value: object | null | undefined): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value)
}
