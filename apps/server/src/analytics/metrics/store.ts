import type { Queryable } from '../../db/pool.ts'
import { COUNTER_LABELS, LATENCY_BOUND } from '../counters-sql.ts'
import { CALL_FIELDS, LINE_COLUMNS } from '../lines-sql.ts'

/** What is folded, and the lines behind it; readings/store.ts says why there is a limit. */
const POSITION_AND_TAIL = `
  position AS MATERIALIZED (
    SELECT generation, folded_seq, folded_at FROM usage_position
    WHERE tenant_no = $1::int4 AND live
  ), tail AS MATERIALIZED (
    SELECT seq, ${LINE_COLUMNS} FROM entry
    WHERE tenant_no = $1::int4 AND seq > coalesce((SELECT folded_seq FROM position), 0)
      AND recorded_at >= coalesce((SELECT folded_at FROM position), '-infinity')
    ORDER BY seq LIMIT (SELECT last_seq FROM account WHERE tenant_no = $1::int4)
  ), lines AS (
    SELECT e.seq, ${CALL_FIELDS} FROM tail AS e WHERE e.kind IN (3, 4)
  )`

/** `first_seq`: of lines that are not folded the first one; null: folded. */
export type CounterRow = {
  service: string
  file_type: string
  output_format: string
  status: string
  calls: bigint
  first_seq: bigint | null
}

/** What was counted for life, and apart from it what is not folded yet. */
export async function readCounters(db: Queryable, tenantNo: number): Promise<CounterRow[]> {
  const { rows } = await db.query<CounterRow>({
    name: 'read_counters',
    text: `WITH ${POSITION_AND_TAIL}
      SELECT service, file_type, output_format, status, calls, NULL::int8 AS first_seq
      FROM usage_counter
      WHERE tenant_no = $1::int4 AND generation = (SELECT generation FROM position)
      UNION ALL
      SELECT ${COUNTER_LABELS}, count(*)::int8 AS calls, min(l.seq) AS first_seq
      FROM lines AS l GROUP BY 1, 2, 3, 4`,
    values: [tenantNo],
  })
  return rows
}

export type LatencyRow = { le_ms: string; calls: bigint; ms: string }

export async function readLatencies(db: Queryable, tenantNo: number): Promise<LatencyRow[]> {
  const { rows } = await db.query<LatencyRow>({
    name: 'read_latencies',
    text: `WITH ${POSITION_AND_TAIL}
      SELECT le_ms::text, sum(calls)::int8 AS calls, sum(ms) AS ms FROM (
        SELECT le_ms, calls, ms FROM usage_latency
        WHERE tenant_no = $1::int4 AND generation = (SELECT generation FROM position)
        UNION ALL
        SELECT ${LATENCY_BOUND}, 1, l.ms FROM lines AS l WHERE l.ms IS NOT NULL
      ) AS r GROUP BY le_ms`,
    values: [tenantNo],
  })
  return rows
}
