import { onlyRow, type Queryable } from '../../db/pool.ts'
import type { AuditLine } from './hash.ts'

/** The end of a chain, which nobody else can move until the transaction ends. A new chain begins after `noHash`. */
export async function lockHead(
  db: Queryable,
  tenantNo: number,
  noHash: Buffer,
): Promise<{ last_seq: bigint; last_hash: Buffer }> {
  const result = await db.query<{ last_seq: bigint; last_hash: Buffer }>(
    `INSERT INTO audit_head AS h (tenant_no, last_seq, last_hash) VALUES ($1, 0, $2)
     ON CONFLICT (tenant_no) DO UPDATE SET last_seq = h.last_seq
     RETURNING last_seq, last_hash`,
    [tenantNo, noHash],
  )
  return onlyRow(result)
}

/** Adds the line and moves the head on to it; neither, where a line about the same `log_seq` exists. */
export async function insertLine(
  db: Queryable,
  line: AuditLine,
  recordedAt: Date,
  hash: Buffer,
): Promise<void> {
  await db.query(
    `WITH line AS (
       INSERT INTO audit (tenant_no, seq, recorded_at, actor_kind, actor_id, action, object_kind,
         object_id, address, request_id, before, after, log_seq, hash)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
       ON CONFLICT (tenant_no, log_seq) WHERE log_seq IS NOT NULL DO NOTHING
       RETURNING tenant_no, seq, hash)
     UPDATE audit_head AS h SET last_seq = line.seq, last_hash = line.hash
     FROM line WHERE h.tenant_no = line.tenant_no`,
    [
      line.tenantNo,
      line.seq,
      recordedAt,
      line.actorKind,
      line.actorId,
      line.action,
      line.objectKind,
      line.objectId,
      line.address,
      line.requestId,
      line.before,
      line.after,
      line.logSeq,
      hash,
    ],
  )
}

/** Null: any. */
export type AuditFilter = {
  actorId: string | null
  action: string | null
  objectId: string | null
}

export type AuditRow = {
  audit_no: bigint
  tenant_no: number
  tenant_id: string | null
  seq: bigint
  recorded_at: number
  actor_kind: string
  actor_id: string | null
  actor_name: string | null
  of_operator: boolean
  action: string
  object_kind: string
  object_id: string | null
  address: string | null
  request_id: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  log_seq: bigint | null
  hash: Buffer
}

const SELECT_ROWS = `SELECT a.audit_no, a.tenant_no, t.tenant_id, a.seq, a.recorded_at, a.actor_kind,
    a.actor_id, coalesce(m.name, k.name) AS actor_name,
    a.actor_kind IN ('operator_key', 'service_key', 'command_line')
      OR (m.member_id IS NOT NULL AND m.tenant_no IS NULL) AS of_operator,
    a.action, a.object_kind, a.object_id, a.address, a.request_id, a.before, a.after, a.log_seq, a.hash
  FROM audit AS a
  LEFT JOIN tenant AS t ON t.tenant_no = a.tenant_no
  LEFT JOIN member AS m ON m.member_id = a.actor_id
  LEFT JOIN api_key AS k ON k.key_id = a.actor_id`
const MATCHES = `($3::text IS NULL OR a.actor_id = $3) AND ($4::text IS NULL OR a.action = $4)
  AND ($5::text IS NULL OR a.object_id = $5)`

/** One chain, newest first, before `beforeSeq`; null: from the end. */
export async function readChainBackward(
  db: Queryable,
  tenantNo: number,
  filter: AuditFilter,
  beforeSeq: number | null,
  limit: number,
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `${SELECT_ROWS} WHERE a.tenant_no = $1 AND ($2::int8 IS NULL OR a.seq < $2) AND ${MATCHES}
     ORDER BY a.seq DESC LIMIT $6`,
    [tenantNo, beforeSeq, filter.actorId, filter.action, filter.objectId, limit],
  )
  return rows
}

/** All chains, newest first, before the line with this number; null: from the end. */
export async function readAuditBackward(
  db: Queryable,
  filter: AuditFilter,
  beforeNo: number | null,
  limit: number,
): Promise<AuditRow[]> {
  const { rows } = await db.query<AuditRow>(
    `${SELECT_ROWS} WHERE ($1::int8 IS NULL OR a.audit_no < $1) AND ${MATCHES}
     ORDER BY a.audit_no DESC LIMIT $2`,
    [beforeNo, limit, filter.actorId, filter.action, filter.objectId],
  )
  return rows
}

/** `last_seq` and `last_hash` are null for lines without a head, which no program of ours leaves. */
export type HeadRow = {
  tenant_no: number
  last_seq: bigint | null
  last_hash: Buffer | null
  lines: number
}

/** Every chain there is, in the order of tenants' numbers. */
export async function readHeads(db: Queryable): Promise<HeadRow[]> {
  const { rows } = await db.query<HeadRow>(
    `SELECT coalesce(h.tenant_no, c.tenant_no) AS tenant_no, h.last_seq, h.last_hash,
       coalesce(c.lines, 0)::int4 AS lines
     FROM audit_head AS h
     FULL JOIN (SELECT tenant_no, count(*) AS lines FROM audit GROUP BY tenant_no) AS c
       ON c.tenant_no = h.tenant_no
     ORDER BY 1`,
  )
  return rows
}

export type LineRow = {
  seq: bigint
  recorded_at: string
  actor_kind: string
  actor_id: string | null
  action: string
  object_kind: string
  object_id: string | null
  address: string | null
  request_id: string | null
  before: string | null
  after: string | null
  log_seq: bigint | null
  hash: Buffer
}

/** Lines of a chain as they are hashed, in order, after `afterSeq`; null: from the first. */
export async function readChainForward(
  db: Queryable,
  tenantNo: number,
  afterSeq: bigint | null,
  limit: number,
): Promise<LineRow[]> {
  const { rows } = await db.query<LineRow>(
    `SELECT seq, extract(epoch FROM recorded_at)::text AS recorded_at, actor_kind, actor_id, action,
       object_kind, object_id, address, request_id, before::text AS before, after::text AS after,
       log_seq, hash
     FROM audit WHERE tenant_no = $1 AND ($2::int8 IS NULL OR seq > $2) ORDER BY seq LIMIT $3`,
    [tenantNo, afterSeq, limit],
  )
  return rows
}

/** The hash of one line; null: there is no such line. */
export async function readHash(
  db: Queryable,
  tenantNo: number,
  seq: bigint,
): Promise<Buffer | null> {
  const { rows } = await db.query<{ hash: Buffer }>(
    'SELECT hash FROM audit WHERE tenant_no = $1 AND seq = $2',
    [tenantNo, seq],
  )
  return rows[0]?.hash ?? null
}
