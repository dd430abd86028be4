import type { AuditLineReply } from '@tollgate/contract'
import type pg from 'pg'
import { decodeCursor, page } from '../../lib/cursor.ts'
import { entryId } from '../../lib/ids.ts'
import { type AuditFilter, type AuditRow, readAuditBackward, readChainBackward } from './store.ts'

export type AuditPage = { data: AuditLineReply[]; next_cursor: string | null }
type Query = {
  actor_id?: string | undefined
  action?: string | undefined
  object_id?: string | undefined
  cursor?: string | undefined
  limit: number
}

/** A page of one tenant's chain, as the tenant sees it: where the operator's people sit is not told. */
export async function readOwnAudit(
  pool: pg.Pool,
  tenantNo: number,
  query: Query,
): Promise<AuditPage> {
  const { rows, nextCursor } = await chainPage(pool, tenantNo, query)
  const data = rows.map((row) =>
    lineJson(row.of_operator ? { ...row, address: null, actor_name: null } : row),
  )
  return { data, next_cursor: nextCursor }
}

/** A page of one chain, or of all of them together, as operators see it. */
export async function readAllAudit(
  pool: pg.Pool,
  tenantNo: number | null,
  query: Query,
): Promise<AuditPage> {
  const { rows, nextCursor } =
    tenantNo === null ? await pageOfAll(pool, query) : await chainPage(pool, tenantNo, query)
  return { data: rows.map(lineJson), next_cursor: nextCursor }
}

async function chainPage(pool: pg.Pool, tenantNo: number, query: Query) {
  const before = decodeCursor(query.cursor)
  const found = await readChainBackward(pool, tenantNo, filterOf(query), before, query.limit + 1)
  return page(found, query.limit, (row) => Number(row.seq))
}

async function pageOfAll(pool: pg.Pool, query: Query) {
  const before = decodeCursor(query.cursor)
  const found = await readAuditBackward(pool, filterOf(query), before, query.limit + 1)
  return page(found, query.limit, (row) => Number(row.audit_no))
}

function filterOf({ actor_id, action, object_id }: Query): AuditFilter {
  return { actorId: actor_id ?? null, action: action ?? null, objectId: object_id ?? null }
}

function lineJson(row: AuditRow): AuditLineReply {
  return {
    audit_id: entryId('aud', row.tenant_no, Number(row.seq)),
    seq: Number(row.seq),
    recorded_at: new Date(row.recorded_at).toISOString(),
    actor: {
      kind: row.actor_kind,
      id: row.actor_id,
      ...(row.actor_name === null ? {} : { name: row.actor_name }),
    },
    action: row.action,
    object: { kind: row.object_kind, id: row.object_id },
    tenant_id: row.tenant_id,
    address: row.address,
    request_id: row.request_id,
    before: row.before,
    after: row.after,
    log_seq: row.log_seq === null ? null : Number(row.log_seq),
    hash: row.hash.toString('hex'),
  }
}
