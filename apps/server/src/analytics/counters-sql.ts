import { USAGE_COUNTERS_MAX, USAGE_LABEL_CHARS_MAX } from '../limits.ts'
import { OTHER } from './dimensions.ts'
import { LATENCY_BOUNDS_MS, UNBOUNDED_MS } from './latency.ts'

// How SQL counts lines of the log for life, in one place for the fold and for what is not folded yet.

const label = (column: string) => `left(coalesce(l.${column}, ''), ${USAGE_LABEL_CHARS_MAX})`

/** Of a call `l` as lines-sql.ts sees one: what calls are counted by. */
export const COUNTER_LABELS = `
  ${label('service')} AS service, ${label('file_type')} AS file_type,
  ${label('output_format')} AS output_format,
  CASE WHEN l.denied THEN 'denied' WHEN l.failed THEN 'failure' ELSE 'success' END AS status`

/** A bound is in its bucket, as Prometheus wants it. */
export const LATENCY_BOUND = `(ARRAY[${[...LATENCY_BOUNDS_MS, UNBOUNDED_MS].join(', ')}]::int8[])[
  1 + width_bucket(l.ms, ARRAY[${LATENCY_BOUNDS_MS.map((ms) => ms + 1).join(', ')}]::int8[])]`

/** Of calls that are grouped, what is counted for life: a void takes nothing out. */
export const EVER = 'count(*) FILTER (WHERE sign > 0) AS ever'
export const FIRST = 'min(seq) FILTER (WHERE sign > 0) AS first_seq'

/**
 * Counts calls by `outcomes` and by `timings`, which the fold has grouped already. Who came first has a
 * row of its own: that depends on the log alone and not on how it is cut up, so readers can tell of lines
 * which row they will be in.
 * @param tenantNo SQL of whose a group is, as is `generation`
 */
export const countForLife = (tenantNo: string, generation: string) => `
counted_for_life AS MATERIALIZED (
  SELECT ${tenantNo} AS tenant_no, ${generation} AS generation, ${COUNTER_LABELS}, sum(l.ever)::int8 AS calls,
    min(l.first_seq) AS first_seq
  FROM outcomes AS l WHERE l.ever > 0 GROUP BY 1, 2, 3, 4, 5, 6
), ranked_for_life AS (
  SELECT c.*, known.there IS NULL AS fresh,
    row_number() OVER (
      PARTITION BY c.tenant_no, c.generation, known.there ORDER BY c.first_seq) AS place
  FROM counted_for_life AS c LEFT JOIN LATERAL (
    SELECT true AS there FROM usage_counter AS u
    WHERE u.tenant_no = c.tenant_no AND u.generation = c.generation AND u.service = c.service
      AND u.file_type = c.file_type AND u.output_format = c.output_format
      AND u.status = c.status LIMIT 1) AS known ON true
), crowded_for_life AS (
  SELECT r.*, CASE WHEN r.fresh THEN r.place + max(
      CASE WHEN r.fresh AND r.place = 1 THEN (
        SELECT count(*) FROM usage_counter AS u
        WHERE u.tenant_no = r.tenant_no AND u.generation = r.generation) END
    ) OVER (PARTITION BY r.tenant_no, r.generation) ELSE 0 END > ${USAGE_COUNTERS_MAX} AS beyond
  FROM ranked_for_life AS r
), counters AS (
  INSERT INTO usage_counter AS u
    (tenant_no, generation, service, file_type, output_format, status, calls)
  SELECT tenant_no, generation, ${['service', 'file_type', 'output_format']
    .map((column) => `CASE WHEN beyond THEN '${OTHER}' ELSE ${column} END`)
    .join(', ')}, status, sum(calls)
  FROM crowded_for_life GROUP BY 1, 2, 3, 4, 5, 6
  ON CONFLICT (tenant_no, generation, service, file_type, output_format, status)
  DO UPDATE SET calls = u.calls + EXCLUDED.calls
), latencies AS (
  INSERT INTO usage_latency AS u (tenant_no, generation, le_ms, calls, ms)
  SELECT ${tenantNo}, ${generation}, le_ms, sum(ever), sum(ever_ms)
  FROM timings WHERE ever > 0 GROUP BY 1, 2, 3
  ON CONFLICT (tenant_no, generation, le_ms)
  DO UPDATE SET calls = u.calls + EXCLUDED.calls, ms = u.ms + EXCLUDED.ms
)`
