import { onlyRow, type Queryable } from '../../db/pool.ts'
import type { ArchiveRow } from './columns.ts'

/** Any number that nobody else uses: two that archive at once would write the same files. */
const ARCHIVE_LOCK = 7_055_217_910

/** Held until the transaction ends. @returns false: somebody else has it */
export async function tryToLock(db: Queryable): Promise<boolean> {
  const result = await db.query<{ mine: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS mine', [
    ARCHIVE_LOCK,
  ])
  return onlyRow(result).mine
}

/** Months that have a partition, or lines in the default one, as in 2025-01; in order. */
export async function readMonths(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ month: string }>(
    `SELECT replace(substr(c.relname, 7), '_', '-') AS month
     FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'entry'::regclass AND c.relname ~ '^entry_\\d{4}_\\d{2}$'
     UNION SELECT to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM') FROM entry_default
     ORDER BY month`,
  )
  return rows.map(({ month }) => month)
}

export type PageOf = {
  from: number
  to: number
  /** Null: all tenants. */
  tenantId: string | null
  after: { tenantNo: number; seq: number }
  limit: number
}

/** Lines that were recorded in [from, to), by tenant and number, behind one. */
export async function readArchivePage(
  db: Queryable,
  { from, to, tenantId, after, limit }: PageOf,
): Promise<ArchiveRow[]> {
  const { rows } = await db.query({
    name: 'read_archive_page',
    text: `SELECT t.tenant_id, e.tenant_no, e.seq, e.recorded_at, e.occurred_at, e.credits, e.cost,
        e.remaining, e.used, e.quantity, e.file_size_bytes, e.processing_time_ms, e.token_count,
        e.sender_no, e.kind, e.reason, e.counted, e.overage, e.failed, e.service, e.endpoint, e.method,
        e.region, e.feature, e.file_type, e.output_format, e.error_code, e.properties::text,
        e.detail::text, e.self_reported
      FROM (
        SELECT * FROM entry
        WHERE recorded_at >= $1 AND recorded_at < $2 AND (tenant_no, seq) > ($3::int4, $4::int8)
          AND ($5::text IS NULL
            OR tenant_no = (SELECT tenant_no FROM tenant WHERE tenant_id = $5::text))
        ORDER BY tenant_no, seq LIMIT $6
      ) AS e LEFT JOIN tenant AS t ON t.tenant_no = e.tenant_no
      ORDER BY e.tenant_no, e.seq`,
    values: [new Date(from), new Date(to), after.tenantNo, after.seq, tenantId, limit],
  })
  return rows as ArchiveRow[]
}
