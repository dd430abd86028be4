import { USAGE_VALUES_PER_DAY_MAX, USAGE_VALUES_PER_HOUR_MAX } from '../../limits.ts'
import { countForLife, EVER, FIRST, LATENCY_BOUND } from '../counters-sql.ts'
import { BY_DAY, DIMENSION_CODES, EQUALS, METRIC_CODES, OTHER } from '../dimensions.ts'
import {
  AT,
  bucketOf,
  CALL_FIELDS,
  dayOf,
  hourOf,
  LINE_COLUMNS,
  outcomesBy,
  propertiesOf,
  SUMS,
  usageBy,
} from '../lines-sql.ts'

/** Any numbers that nobody else uses: two folders of one share would only do the same work twice. */
const FOLD_LOCK = 7_055_217_900

const AFTER_NO = '(SELECT after_no FROM asked)'

/** Of `entry`, the lines that a position `m` moves over. */
const FOLDED_NOW = `WHERE tenant_no = m.tenant_no AND seq > m.folded_seq AND seq <= m.upto
        AND recorded_at >= m.folded_at`
const BUCKET_ARRAYS = `array_agg(bucket ORDER BY bucket) AS buckets,
  array_agg(calls ORDER BY bucket) AS calls`
const FIELDS = `${hourOf('m.hour_zone', AT)} AS hour, ${CALL_FIELDS}, ${propertiesOf('m.properties')}`
/** Tenant, generation and zone in one number: every line is grouped by it five times. */
const WHOSE = `(m.tenant_no::int8 << 32) | (m.generation::int8 << 16)
  | array_position((SELECT names FROM zones), m.time_zone)`
const KEYS = 'whose, hour'
const TENANT_NO = '(whose >> 32)::int4'
const GENERATION = '((whose >> 16) & 65535)::int2'
const ZONE_NO = '(whose & 65535)::int4'
const UNPACKED = `${TENANT_NO} AS tenant_no, ${GENERATION} AS generation, ${ZONE_NO} AS zone_no`
const HAS_PROPERTIES = '(SELECT bool_or(cardinality(properties) > 0) FROM places)'
/** Each property has its own bound, so what is beyond it carries its name. */
const PREFIX = `CASE WHEN s.dimension % ${BY_DAY} = ${DIMENSION_CODES.property}
  THEN left(s.value, strpos(s.value, '${EQUALS}')) ELSE '' END`
/** The day of an hour, in the zone of its tenant. */
const dayIn = (zoneNo: string) => dayOf(`(SELECT names FROM zones)[${zoneNo}]`, 'hour')

/**
 * Folds all tenants that are due in one statement. It is exact whoever else folds: a position moves
 * only from where this statement saw it, and only what moved is folded. LIMIT in what is joined
 * sideways keeps the planner from reading a whole log to find a few lines of it. It cannot know how many
 * lines there are, so nothing here joins large things, and what is counted is counted before it is sorted.
 *
 * What is asked is a row of its own: PostgreSQL then keeps the plan, which takes it 12 ms to make.
 *
 * `turn` gives everybody a turn: it goes on behind the tenant with whom the last one ended.
 */
export const FOLD = `
WITH asked AS MATERIALIZED (
  SELECT $1::int8 AS lines_max, $2::int4 AS after_no, $3::int8 AS lines_min, $4::int4 AS shares,
    $5::int4 AS share
), guard AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(${FOLD_LOCK} + share) AS mine FROM asked
), due AS MATERIALIZED (
  SELECT p.tenant_no, p.generation, p.folded_seq, p.folded_at, p.hour_zone, p.time_zone,
    p.properties, least(a.last_seq - p.folded_seq, k.lines_max) AS lines
  FROM asked AS k CROSS JOIN usage_position AS p JOIN account AS a ON a.tenant_no = p.tenant_no
  WHERE p.tenant_no % k.shares = k.share AND a.last_seq >= p.folded_seq + k.lines_min
    AND (SELECT mine FROM guard)
), turn AS (
  SELECT *, sum(lines) OVER (ORDER BY tenant_no <= ${AFTER_NO}, tenant_no, generation) AS through
  FROM due
), chosen AS MATERIALIZED (
  SELECT t.*, (t.folded_seq + least(t.lines, k.lines_max - (t.through - t.lines)))::int8 AS upto
  FROM asked AS k CROSS JOIN turn AS t WHERE t.through - t.lines < k.lines_max
), moved AS (
  UPDATE usage_position AS p SET folded_seq = c.upto, folded_at = e.recorded_at
  FROM chosen AS c CROSS JOIN LATERAL (
    SELECT recorded_at FROM entry
    WHERE tenant_no = c.tenant_no AND seq = c.upto AND recorded_at >= c.folded_at LIMIT 1) AS e
  WHERE p.tenant_no = c.tenant_no AND p.generation = c.generation AND p.folded_seq = c.folded_seq
  RETURNING c.tenant_no, c.generation, c.folded_seq, c.upto, c.folded_at, c.hour_zone, c.time_zone,
    c.properties
), zones AS MATERIALIZED (
  SELECT array_agg(DISTINCT time_zone) AS names FROM moved
), places AS MATERIALIZED (
  SELECT m.*, ${WHOSE} AS whose FROM moved AS m
), lines AS MATERIALIZED (
  SELECT m.whose, 1 AS sign, e.seq, ${FIELDS}
  FROM places AS m CROSS JOIN LATERAL (
    SELECT seq, ${LINE_COLUMNS} FROM entry ${FOLDED_NOW} ORDER BY seq LIMIT m.upto - m.folded_seq) AS e
  WHERE e.kind IN (3, 4)
  UNION ALL
  SELECT m.whose, -1 AS sign, NULL::int8 AS seq, ${FIELDS}
  FROM places AS m CROSS JOIN LATERAL (
    SELECT detail FROM entry ${FOLDED_NOW} AND kind NOT IN (3, 4) AND kind = 11
    ORDER BY seq LIMIT m.upto - m.folded_seq) AS v
  CROSS JOIN LATERAL (
    SELECT ${LINE_COLUMNS} FROM entry
    WHERE tenant_no = m.tenant_no AND seq = (v.detail ->> 'voided_seq')::int8 LIMIT 1) AS e
), outcomes AS MATERIALIZED (
  ${outcomesBy(KEYS, 'lines', `, ${EVER}, ${FIRST}`)}
), hourly AS MATERIALIZED (
  SELECT ${UNPACKED}, dimension, hour, value, ${SUMS}
  FROM (${usageBy(KEYS, 'lines', HAS_PROPERTIES, 'outcomes')}) AS u
  GROUP BY whose, dimension, hour, value
), spread AS MATERIALIZED (
  SELECT * FROM hourly
  UNION ALL
  SELECT tenant_no, generation, zone_no, (dimension + ${BY_DAY})::int2, ${dayIn('zone_no')}, value, ${SUMS}
  FROM hourly GROUP BY 1, 2, 3, 4, 5, 6
), ranked AS (
  SELECT s.*, ${PREFIX} AS prefix, known.there IS NULL AND s.dimension NOT IN (0, ${BY_DAY}) AS fresh,
    row_number() OVER (
      PARTITION BY s.tenant_no, s.generation, s.dimension, s.hour, ${PREFIX}, known.there
      ORDER BY s.value) AS place
  FROM spread AS s LEFT JOIN LATERAL (
    SELECT true AS there FROM usage_hour AS h
    WHERE h.tenant_no = s.tenant_no AND h.generation = s.generation AND h.dimension = s.dimension
      AND h.hour = s.hour AND h.value = s.value LIMIT 1) AS known ON true
), crowded AS (
  SELECT r.*, CASE WHEN r.fresh THEN r.place + max(
      CASE WHEN r.fresh AND r.place = 1 THEN (
        SELECT count(*) FROM usage_hour AS h
        WHERE h.tenant_no = r.tenant_no AND h.generation = r.generation
          AND h.dimension = r.dimension AND h.hour = r.hour
          AND starts_with(h.value, r.prefix)) END
    ) OVER (PARTITION BY r.tenant_no, r.generation, r.dimension, r.hour, r.prefix) ELSE 0 END > CASE
      WHEN r.dimension < ${BY_DAY} THEN ${USAGE_VALUES_PER_HOUR_MAX}
      ELSE ${USAGE_VALUES_PER_DAY_MAX} END AS beyond
  FROM ranked AS r
), hours AS (
  INSERT INTO usage_hour AS h (tenant_no, generation, dimension, hour, value, calls, failed, denied,
    units, credits, sized, bytes, timed, ms, largest_bytes, last_at)
  SELECT tenant_no, generation, dimension, hour,
    CASE WHEN beyond THEN prefix || '${OTHER}' ELSE value END, ${SUMS}
  FROM crowded GROUP BY 1, 2, 3, 4, 5
  ON CONFLICT (tenant_no, generation, dimension, hour, value) DO UPDATE SET
    calls = h.calls + EXCLUDED.calls, failed = h.failed + EXCLUDED.failed,
    denied = h.denied + EXCLUDED.denied, units = h.units + EXCLUDED.units,
    credits = h.credits + EXCLUDED.credits, sized = h.sized + EXCLUDED.sized,
    bytes = h.bytes + EXCLUDED.bytes, timed = h.timed + EXCLUDED.timed, ms = h.ms + EXCLUDED.ms,
    largest_bytes = greatest(h.largest_bytes, EXCLUDED.largest_bytes),
    last_at = greatest(h.last_at, EXCLUDED.last_at)
), timings AS MATERIALIZED (
  SELECT ${KEYS}, ${bucketOf('l.ms')} AS bucket, ${LATENCY_BOUND} AS le_ms, sum(sign)::int8 AS calls,
    sum(ms) FILTER (WHERE sign > 0) AS ever_ms, ${EVER}
  FROM lines AS l WHERE l.ms IS NOT NULL GROUP BY ${KEYS}, 3, 4
), counted AS MATERIALIZED (
  SELECT ${KEYS}, ${METRIC_CODES.processing_time}::int2 AS metric, bucket, sum(calls)::int8 AS calls
  FROM timings GROUP BY ${KEYS}, bucket
  UNION ALL
  SELECT ${KEYS}, ${METRIC_CODES.file_size}::int2, ${bucketOf('l.bytes')}, sum(sign)::int8
  FROM lines AS l WHERE l.bytes IS NOT NULL GROUP BY ${KEYS}, 4
), by_hour AS MATERIALIZED (
  SELECT ${UNPACKED}, metric, hour, ${BUCKET_ARRAYS} FROM counted GROUP BY whose, metric, hour
), histograms AS (
  INSERT INTO usage_histogram AS h (tenant_no, generation, metric, hour, buckets, calls)
  SELECT tenant_no, generation, metric, hour, buckets, calls FROM by_hour
  UNION ALL
  SELECT tenant_no, generation, metric, day, ${BUCKET_ARRAYS}
  FROM (
    SELECT ${UNPACKED}, (metric + ${BY_DAY})::int2 AS metric, ${dayIn(ZONE_NO)} AS day, bucket, sum(calls)::int8 AS calls
    FROM counted GROUP BY whose, metric, 5, bucket
  ) AS b GROUP BY 1, 2, 3, 4
  ON CONFLICT (tenant_no, generation, metric, hour) DO UPDATE SET (buckets, calls) = (
    SELECT ${BUCKET_ARRAYS} FROM (
      SELECT bucket, sum(calls)::int8 AS calls FROM (
        SELECT unnest(h.buckets) AS bucket, unnest(h.calls) AS calls
        UNION ALL SELECT unnest(EXCLUDED.buckets), unnest(EXCLUDED.calls)) AS a
      GROUP BY bucket) AS b)
), ${countForLife(TENANT_NO, GENERATION)}
SELECT coalesce(sum(upto - folded_seq), 0)::int8 AS lines,
  (array_agg(tenant_no ORDER BY tenant_no <= ${AFTER_NO}, tenant_no DESC))[1] AS last_tenant_no
FROM moved`
