import { onlyRow, type Queryable } from '../../db/pool.ts'
import { USAGE_VALUES_PER_DAY_MAX, USAGE_VALUES_PER_HOUR_MAX } from '../../limits.ts'
import { COUNT_LINES } from '../counters-sql.ts'
import { BY_DAY, DIMENSION_CODES, EQUALS, OTHER } from '../dimensions.ts'
import {
  BUCKET,
  CALL_FIELDS,
  HISTOGRAM_VALUES,
  hourOf,
  LINE_COLUMNS,
  propertiesOf,
  SUMS,
  usageBy,
} from '../lines-sql.ts'

/** Any numbers that nobody else uses: two folders of one share would only do the same work twice. */
const FOLD_LOCK = 7_055_217_900

/** Of `entry`, the lines that a position `m` moves over. */
const FOLDED_NOW = `WHERE tenant_no = m.tenant_no AND seq > m.folded_seq AND seq <= m.upto
        AND recorded_at >= m.folded_at`
const BUCKET_ARRAYS = `array_agg(bucket ORDER BY bucket) AS buckets,
  array_agg(calls ORDER BY bucket) AS calls`
const FIELDS = `${CALL_FIELDS}, ${propertiesOf('m.properties')}`
const HAS_PROPERTIES = '(SELECT bool_or(cardinality(properties) > 0) FROM places)'
/** Each property has its own bound, so what is beyond it carries its name. */
const PREFIX = `CASE WHEN s.dimension % ${BY_DAY} = ${DIMENSION_CODES.property}
  THEN left(s.value, strpos(s.value, '${EQUALS}')) ELSE '' END`
/** The day of an hour, in the zone of its tenant. */
const DAY = `date_trunc('day', hour, (SELECT names FROM zones)[zone_no])`

/**
 * Folds all tenants that are due in one statement. It is exact whoever else folds: a position moves
 * only from where this statement saw it, and only what moved is folded. LIMIT in what is joined
 * sideways keeps the planner from reading a whole log to find a few lines of it. It cannot know how many
 * lines there are, so nothing here joins large things, and what is counted is counted before it is sorted.
 *
 * `turn` gives everybody a turn: it goes on behind the tenant with whom the last one ended.
 */
const FOLD = `
WITH guard AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(${FOLD_LOCK} + $5::int4) AS mine
), due AS MATERIALIZED (
  SELECT p.tenant_no, p.generation, p.folded_seq, p.folded_at, p.hour_zone, p.time_zone,
    p.properties, least(a.last_seq - p.folded_seq, $1::int8) AS lines
  FROM usage_position AS p JOIN account AS a ON a.tenant_no = p.tenant_no
  WHERE p.tenant_no % $4::int4 = $5::int4 AND a.last_seq >= p.folded_seq + $3::int8
    AND (SELECT mine FROM guard)
), turn AS (
  SELECT *, sum(lines) OVER (ORDER BY tenant_no <= $2::int4, tenant_no, generation) AS through
  FROM due
), chosen AS MATERIALIZED (
  SELECT t.*, (t.folded_seq + least(t.lines, $1::int8 - (t.through - t.lines)))::int8 AS upto
  FROM turn AS t WHERE t.through - t.lines < $1::int8
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
  SELECT m.*, array_position((SELECT names FROM zones), m.time_zone) AS zone_no FROM moved AS m
), lines AS MATERIALIZED (
  SELECT l.*, ${hourOf('l.hour_zone', 'l.at')} AS hour
  FROM (
    SELECT m.tenant_no, m.generation, m.hour_zone, m.zone_no, 1 AS sign, e.seq, ${FIELDS}
    FROM places AS m CROSS JOIN LATERAL (
      SELECT seq, ${LINE_COLUMNS} FROM entry ${FOLDED_NOW} ORDER BY seq LIMIT m.upto - m.folded_seq) AS e
    WHERE e.kind IN (3, 4)
    UNION ALL
    SELECT m.tenant_no, m.generation, m.hour_zone, m.zone_no, -1 AS sign, NULL::int8 AS seq, ${FIELDS}
    FROM places AS m CROSS JOIN LATERAL (
      SELECT detail FROM entry ${FOLDED_NOW} AND kind NOT IN (3, 4) AND kind = 11
      ORDER BY seq LIMIT m.upto - m.folded_seq) AS v
    CROSS JOIN LATERAL (
      SELECT ${LINE_COLUMNS} FROM entry
      WHERE tenant_no = m.tenant_no AND seq = (v.detail ->> 'voided_seq')::int8 LIMIT 1) AS e
  ) AS l
), hourly AS MATERIALIZED (
  SELECT tenant_no, generation, zone_no, dimension, hour, value, ${SUMS}
  FROM (${usageBy('tenant_no, generation, zone_no, hour', 'lines', HAS_PROPERTIES)}) AS u
  GROUP BY 1, 2, 3, 4, 5, 6
), spread AS MATERIALIZED (
  SELECT * FROM hourly
  UNION ALL
  SELECT tenant_no, generation, zone_no, (dimension + ${BY_DAY})::int2, ${DAY}, value, ${SUMS}
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
), counted AS MATERIALIZED (
  SELECT l.tenant_no, l.generation, l.zone_no, g.metric, l.hour, ${BUCKET} AS bucket,
    sum(l.sign)::int8 AS calls
  FROM lines AS l CROSS JOIN LATERAL ${HISTOGRAM_VALUES}
  WHERE g.amount IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
), by_hour AS MATERIALIZED (
  SELECT tenant_no, generation, zone_no, metric, hour, ${BUCKET_ARRAYS}
  FROM counted GROUP BY 1, 2, 3, 4, 5
), histograms AS (
  INSERT INTO usage_histogram AS h (tenant_no, generation, metric, hour, buckets, calls)
  SELECT tenant_no, generation, metric, hour, buckets, calls FROM by_hour
  UNION ALL
  SELECT tenant_no, generation, metric, day, ${BUCKET_ARRAYS}
  FROM (
    SELECT c.tenant_no, c.generation, c.metric, c.day, b.bucket, sum(b.calls)::int8 AS calls
    FROM (
      SELECT tenant_no, generation, (metric + ${BY_DAY})::int2 AS metric, ${DAY} AS day, buckets, calls
      FROM by_hour OFFSET 0
    ) AS c CROSS JOIN LATERAL unnest(c.buckets, c.calls) AS b (bucket, calls) GROUP BY 1, 2, 3, 4, 5
  ) AS b GROUP BY 1, 2, 3, 4
  ON CONFLICT (tenant_no, generation, metric, hour) DO UPDATE SET (buckets, calls) = (
    SELECT ${BUCKET_ARRAYS} FROM (
      SELECT bucket, sum(calls)::int8 AS calls FROM (
        SELECT unnest(h.buckets) AS bucket, unnest(h.calls) AS calls
        UNION ALL SELECT unnest(EXCLUDED.buckets), unnest(EXCLUDED.calls)) AS a
      GROUP BY bucket) AS b)
), ${COUNT_LINES}
SELECT (SELECT mine FROM guard) AS mine, coalesce(sum(upto - folded_seq), 0)::int8 AS lines,
  (array_agg(tenant_no ORDER BY tenant_no <= $2::int4, tenant_no DESC))[1] AS last_tenant_no
FROM moved`

export type Fold = {
  /** False: somebody else is folding just now. */
  mine: boolean
  lines: number
  /** With whom the turn ended; null: nothing was due. */
  lastTenantNo: number | null
}

type FoldRow = { mine: boolean; lines: bigint; last_tenant_no: number | null }

export type FoldOrder = {
  /** Of all tenants together. */
  linesMax: number
  /** Of a tenant, for it to be due. */
  linesMin: number
  afterTenantNo: number
  /** Which of so many shares of the tenants, from 0. */
  share: number
  shares: number
}

export async function foldDue(db: Queryable, order: FoldOrder): Promise<Fold> {
  const result = await db.query<FoldRow>({
    name: 'fold_usage',
    text: FOLD,
    values: [order.linesMax, order.afterTenantNo, order.linesMin, order.shares, order.share],
  })
  const row = onlyRow(result)
  return { mine: row.mine, lines: Number(row.lines), lastTenantNo: row.last_tenant_no }
}

/**
 * Tenants without a position, or in another time zone than their rollups, or counted by other properties.
 * Where the next ones are on their way, it is they that must be as is wanted.
 */
export async function readUnplaced(
  db: Queryable,
  limit: number,
  properties: readonly string[],
): Promise<{ tenantNo: number; timeZone: string; isNew: boolean }[]> {
  const { rows } = await db.query<{ tenant_no: number; time_zone: string; is_new: boolean }>(
    `SELECT a.tenant_no, a.state ->> 'tz' AS time_zone, p.tenant_no IS NULL AS is_new
     FROM account AS a LEFT JOIN usage_position AS p ON p.tenant_no = a.tenant_no AND p.live
     WHERE p.tenant_no IS NULL
       OR EXISTS (
         SELECT FROM usage_position AS n WHERE n.tenant_no = a.tenant_no AND NOT n.live
           AND (n.time_zone <> a.state ->> 'tz' OR n.properties <> $2::text[]))
       OR ((p.time_zone <> a.state ->> 'tz' OR p.properties <> $2::text[]) AND NOT EXISTS (
         SELECT FROM usage_position AS n WHERE n.tenant_no = a.tenant_no AND NOT n.live))
     LIMIT $1`,
    [limit, properties],
  )
  return rows.map((row) => ({
    tenantNo: row.tenant_no,
    timeZone: row.time_zone,
    isNew: row.is_new,
  }))
}

/** What rollups are begun with. */
export type Placement = { timeZone: string; hourZone: string; properties: readonly string[] }

export async function insertFirstPosition(
  db: Queryable,
  tenantNo: number,
  { timeZone, hourZone, properties }: Placement,
): Promise<void> {
  await db.query(
    `INSERT INTO usage_position
       (tenant_no, generation, live, time_zone, hour_zone, properties, folded_seq, folded_at)
     VALUES ($1, 0, true, $2, $3, $4, 0, '-infinity') ON CONFLICT DO NOTHING`,
    [tenantNo, timeZone, hourZone, properties],
  )
}

/** Where the log of a position `p` begins: what is cut off is folded no more. */
const BEGINNING = `coalesce((SELECT max(seq) FROM log_cut AS c WHERE c.tenant_no = p.tenant_no), 0)`

/** Begins the next generation beside the live one. One that was begun already stays. */
export async function insertNextPosition(
  db: Queryable,
  tenantNo: number,
  { timeZone, hourZone, properties }: Placement,
): Promise<void> {
  await db.query(
    `INSERT INTO usage_position
       (tenant_no, generation, live, time_zone, hour_zone, properties, folded_seq, folded_at)
     SELECT tenant_no, generation + 1, false, $2, $3, $4, ${BEGINNING}, '-infinity'
     FROM usage_position AS p WHERE tenant_no = $1 AND live ON CONFLICT DO NOTHING`,
    [tenantNo, timeZone, hourZone, properties],
  )
}

/** One that was begun for another zone, or other properties, than are needed now. */
export async function deleteNext(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('DELETE FROM usage_position WHERE tenant_no = $1 AND NOT live', [tenantNo])
}

/** Tenants whose next generation is just as far as the live one. */
export async function readSuccessors(db: Queryable): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    `SELECT n.tenant_no FROM usage_position AS n
     JOIN usage_position AS l ON l.tenant_no = n.tenant_no AND l.live
     WHERE NOT n.live AND n.folded_seq = l.folded_seq`,
  )
  return rows.map((row) => row.tenant_no)
}

/** Whether a tenant has rollups on their way. */
export async function readNextCount(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ number: bigint }>(
    'SELECT count(*) AS number FROM usage_position WHERE NOT live',
  )
  return Number(onlyRow({ rows }).number)
}

/** Within a transaction, and before `makeLive`. */
export async function deleteLive(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('DELETE FROM usage_position WHERE tenant_no = $1 AND live', [tenantNo])
}

/** Locks both generations of a tenant, so that nobody folds or switches meanwhile. */
export async function lockPositions(
  db: Queryable,
  tenantNo: number,
): Promise<{ live: boolean; foldedSeq: number }[]> {
  const { rows } = await db.query<{ live: boolean; folded_seq: bigint }>(
    `UPDATE usage_position SET folded_seq = folded_seq WHERE tenant_no = $1
     RETURNING live, folded_seq`,
    [tenantNo],
  )
  return rows.map((row) => ({ live: row.live, foldedSeq: Number(row.folded_seq) }))
}

export async function makeLive(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('UPDATE usage_position SET live = true WHERE tenant_no = $1', [tenantNo])
}

/** Rollups of generations that have no position any more. */
export async function deleteOrphans(db: Queryable, tenantNo: number): Promise<void> {
  await db.query(
    `WITH kept AS MATERIALIZED (SELECT generation FROM usage_position WHERE tenant_no = $1),
     hours AS (
       DELETE FROM usage_hour
       WHERE tenant_no = $1 AND generation NOT IN (SELECT generation FROM kept)),
     counters AS (
       DELETE FROM usage_counter
       WHERE tenant_no = $1 AND generation NOT IN (SELECT generation FROM kept)),
     latencies AS (
       DELETE FROM usage_latency
       WHERE tenant_no = $1 AND generation NOT IN (SELECT generation FROM kept))
     DELETE FROM usage_histogram
     WHERE tenant_no = $1 AND generation NOT IN (SELECT generation FROM kept)`,
    [tenantNo],
  )
}

/** Of both generations, how many calls they have counted for life. */
export async function readCounted(
  db: Queryable,
  tenantNo: number,
): Promise<{ live: bigint; next: bigint }> {
  const result = await db.query<{ live: bigint; next: bigint }>(
    `SELECT coalesce(sum(calls) FILTER (WHERE p.live), 0)::int8 AS live,
       coalesce(sum(calls) FILTER (WHERE NOT p.live), 0)::int8 AS next
     FROM usage_counter AS u JOIN usage_position AS p USING (tenant_no, generation)
     WHERE tenant_no = $1`,
    [tenantNo],
  )
  return onlyRow(result)
}

/** What the next generation has counted for life gives way to what the live one has; as `makeLive`. */
export async function deleteNextCounters(db: Queryable, tenantNo: number): Promise<void> {
  await db.query(
    `WITH next AS MATERIALIZED (
       SELECT generation FROM usage_position WHERE tenant_no = $1 AND NOT live),
     latencies AS (
       DELETE FROM usage_latency
       WHERE tenant_no = $1 AND generation = (SELECT generation FROM next))
     DELETE FROM usage_counter
     WHERE tenant_no = $1 AND generation = (SELECT generation FROM next)`,
    [tenantNo],
  )
}

export async function handCountersOn(db: Queryable, tenantNo: number): Promise<void> {
  await db.query(
    `WITH positions AS MATERIALIZED (
       SELECT l.generation AS live, n.generation AS next
       FROM usage_position AS l JOIN usage_position AS n ON n.tenant_no = l.tenant_no AND NOT n.live
       WHERE l.tenant_no = $1 AND l.live),
     latencies AS (
       UPDATE usage_latency SET generation = (SELECT next FROM positions)
       WHERE tenant_no = $1 AND generation = (SELECT live FROM positions))
     UPDATE usage_counter SET generation = (SELECT next FROM positions)
     WHERE tenant_no = $1 AND generation = (SELECT live FROM positions)`,
    [tenantNo],
  )
}

/** Begins the next generation of all tenants that have none on its way. */
export async function insertNextPositions(db: Queryable): Promise<void> {
  await db.query(
    `INSERT INTO usage_position
       (tenant_no, generation, live, time_zone, hour_zone, properties, folded_seq, folded_at)
     SELECT tenant_no, generation + 1, false, time_zone, hour_zone, properties, ${BEGINNING}, '-infinity'
     FROM usage_position AS p WHERE live ON CONFLICT DO NOTHING`,
  )
}

/** How far all rollups of a tenant are, also those on their way; null: it has none yet. */
export async function readFoldedSeq(db: Queryable, tenantNo: number): Promise<number | null> {
  const { rows } = await db.query<{ folded_seq: bigint | null }>(
    'SELECT min(folded_seq) AS folded_seq FROM usage_position WHERE tenant_no = $1',
    [tenantNo],
  )
  const { folded_seq } = onlyRow({ rows })
  return folded_seq === null ? null : Number(folded_seq)
}

/** A page of them, of each table. @returns whether there may be more */
export async function deletePastHours(
  db: Queryable,
  tenantNo: number,
  keptFrom: number,
  limit: number,
): Promise<boolean> {
  const { rows } = await db.query<{ hours: bigint; histograms: bigint }>(
    `WITH hours AS (
       DELETE FROM usage_hour WHERE tenant_no = $1 AND (generation, dimension, hour, value) IN (
         SELECT generation, dimension, hour, value FROM usage_hour
         WHERE tenant_no = $1 AND hour < $2 LIMIT $3)
       RETURNING 1),
     histograms AS (
       DELETE FROM usage_histogram WHERE tenant_no = $1 AND (generation, metric, hour) IN (
         SELECT generation, metric, hour FROM usage_histogram
         WHERE tenant_no = $1 AND hour < $2 LIMIT $3)
       RETURNING 1)
     SELECT (SELECT count(*) FROM hours) AS hours, (SELECT count(*) FROM histograms) AS histograms`,
    [tenantNo, new Date(keptFrom), limit],
  )
  const { hours, histograms } = onlyRow({ rows })
  return Number(hours) === limit || Number(histograms) === limit
}
