import type { Queryable } from '../../db/pool.ts'
import { USAGE_TAIL_LINES_MAX } from '../../limits.ts'
import { BY_DAY, EQUALS } from '../dimensions.ts'
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
import {
  epochMs,
  PACKED_CALLS,
  PACKED_USAGE,
  type PackedCalls,
  type PackedUsage,
} from './packed.ts'
import { instants, within } from './stretches-sql.ts'

/** What a reading is about. `starts`: where its stretches begin, and last where the last one ends, ms. */
export type Stretches = { tenantNo: number; starts: readonly number[] }
/** What usage is asked by. `property`: of which the values are asked for; null: of none. */
export type Asked = { dimensions: readonly number[]; property: string | null }
/** Lines of the log that may be about the stretches: calls of (after, through], and all later voids. */
export type LogStretch = { after: number; through: number; since: number }
/** Rollups as they were when the folder had come to this line. `byDay`: read days, not hours. */
export type RollupsAt = { generation: number; foldedSeq: number; byDay: boolean }

/** Calls of one place by bucket: arrays as PostgreSQL writes them. */
export type HistogramRow = { place: number; buckets: string; calls: string }

/**
 * Calls, and voided ones with the sign that takes them out, from lines that were found already.
 * @param names SQL of the properties that are asked for; null: none are
 */
function lines(
  { calls, voids }: { calls: string; voids: string },
  names: string | null,
  tenantNo = '$1::int4',
): string {
  const fields = `${CALL_FIELDS}, ${propertiesOf(names)}`
  return `lines AS MATERIALIZED (
    SELECT 1 AS sign, ${fields} FROM ${calls} AS e WHERE e.kind IN (3, 4)
    UNION ALL
    SELECT -1 AS sign, ${fields} FROM ${voids} AS v CROSS JOIN LATERAL (
      SELECT ${LINE_COLUMNS} FROM entry
      WHERE tenant_no = ${tenantNo} AND seq = (v.detail ->> 'voided_seq')::int8 LIMIT 1) AS e
    WHERE v.kind = 11
  )`
}

/** Whose lines that are not folded. `property`: as if nothing were, and counted by this one. */
export type TailOf = { tenantNo: number; hourZone: string; property: string | null }
/** What a tail was read at; null: it was not yet. */
export type TailAt = {
  generation: number | null
  foldedSeq: number
  /** When that line was recorded, or a little before; null: there is none. */
  foldedAt: number | null
  throughSeq: number
} | null

/** A bucket may come several times, each with a call or a voided one. */
type TailHistogram = HistogramRow & { metric: number }

/** A tail, or what came to it: `goes_on`. Places are hours, in ms. */
export type TailRow = {
  generation: number | null
  folded_seq: bigint
  folded_at: number | null
  time_zone: string | null
  properties: string[]
  through_seq: bigint
  goes_on: boolean
  usage: PackedUsage
  histograms: TailHistogram[]
}

/** Of rows that are histograms. */
const HISTOGRAMS = `coalesce(json_agg(h), '[]')`

const ASKED_TENANT = '(SELECT tenant_no FROM asked)'

/**
 * A tail that is not long goes on though the folder has gone on too: rollups that were read stay true with
 * it, and need not be read again.
 * Where rollups have other hours than the tenant's, which is so for a moment after it moved, all is read
 * from the log. The limit is the number of lines there are, so that the planner looks for few, by their
 * numbers. What is asked is a row of its own, so that no plan can be better for being made for it alone: else
 * PostgreSQL planned it anew each time for a tenant with a shorter log than others, which takes 5 ms.
 */
const TAIL = `
WITH asked AS MATERIALIZED (
  SELECT $1::int4 AS tenant_no, $2::text AS hour_zone, $3::text AS property, $4::int2 AS generation,
    $5::int8 AS folded_seq, $6::int8 AS through_seq, $7::timestamptz AS folded_at
), position AS MATERIALIZED (
  SELECT p.generation, p.folded_seq, p.folded_at, p.time_zone, p.properties
  FROM asked AS k JOIN usage_position AS p USING (tenant_no, hour_zone)
  WHERE p.live AND k.property IS NULL
), place AS MATERIALIZED (
  SELECT a.last_seq, p.generation, coalesce(p.folded_seq, 0) AS folded_seq,
    coalesce(p.folded_at, '-infinity') AS folded_at, p.time_zone,
    coalesce(p.properties, array_remove(ARRAY[k.property], NULL)) AS properties,
    (p.generation IS NOT DISTINCT FROM k.generation AND a.last_seq >= k.through_seq
      AND (coalesce(p.folded_seq, 0) = k.folded_seq
        OR a.last_seq - k.folded_seq <= ${USAGE_TAIL_LINES_MAX})) IS TRUE AS goes_on
  FROM asked AS k JOIN account AS a USING (tenant_no) LEFT JOIN position AS p ON true
), after AS MATERIALIZED (
  SELECT CASE WHEN p.goes_on THEN k.through_seq ELSE p.folded_seq END AS seq,
    CASE WHEN p.goes_on THEN k.folded_seq ELSE p.folded_seq END AS folded_seq,
    CASE WHEN p.goes_on THEN coalesce(k.folded_at, '-infinity') ELSE p.folded_at END AS folded_at
  FROM place AS p CROSS JOIN asked AS k
), tail AS MATERIALIZED (
  SELECT ${LINE_COLUMNS} FROM entry
  WHERE tenant_no = ${ASKED_TENANT} AND seq > (SELECT seq FROM after)
    AND recorded_at >= (SELECT folded_at FROM after)
  ORDER BY seq LIMIT (SELECT last_seq FROM place) - (SELECT seq FROM after)
), ${lines({ calls: 'tail', voids: 'tail' }, '(SELECT properties FROM place)', ASKED_TENANT)}, hourly AS MATERIALIZED (
  SELECT *, ${hourOf('(SELECT hour_zone FROM asked)', 'at')} AS hour FROM lines
)
SELECT generation, after.folded_seq, nullif(after.folded_at, '-infinity') AS folded_at, time_zone,
  properties, last_seq AS through_seq, goes_on,
  (SELECT ${PACKED_USAGE}
   FROM (SELECT *, ${epochMs('hour')} AS place FROM (
     ${usageBy('hour', 'hourly', '(SELECT cardinality(properties) > 0 FROM place)')}) AS u) AS u
  ) AS usage,
  (SELECT ${HISTOGRAMS} FROM (
     SELECT g.metric, ${epochMs('hour')} AS place, array_agg(${BUCKET})::text AS buckets,
       array_agg(l.sign)::text AS calls
     FROM hourly AS l CROSS JOIN LATERAL ${HISTOGRAM_VALUES} WHERE g.amount IS NOT NULL
     GROUP BY g.metric, hour) AS h
  ) AS histograms
FROM place CROSS JOIN after`

export async function readTail(
  db: Queryable,
  { tenantNo, hourZone, property }: TailOf,
  known: TailAt,
): Promise<TailRow> {
  const { generation = null, foldedSeq = null, foldedAt = null, throughSeq = null } = known ?? {}
  const { rows } = await db.query<TailRow>({
    name: 'read_usage_tail',
    text: TAIL,
    values: [
      ...[tenantNo, hourZone, property, generation, foldedSeq, throughSeq],
      // To the millisecond, so a little earlier, or later by what is rounded.
      foldedAt === null ? null : new Date(foldedAt - 1),
    ],
  })
  return rows[0]!
}

/**
 * Whether days of a zone, to PostgreSQL, begin where stretches do. What is folded by the day goes by its zones,
 * stretches by ours, and either may not have heard yet that a country changed its clocks. Of two midnights
 * PostgreSQL takes the second.
 */
export async function readAgreesOnDays(
  db: Queryable,
  timeZone: string,
  starts: readonly number[],
): Promise<boolean> {
  const asked = db.query<{ agrees: boolean }>({
    name: 'read_agrees_on_days',
    text: `SELECT NOT EXISTS (
        SELECT FROM unnest($2::timestamptz[]) AS s (start)
        WHERE date_trunc('day', s.start, $1::text) < s.start) AS agrees`,
    values: [timeZone, instants(starts)],
  })
  const found = await asked.catch((error: { code?: unknown }) => {
    if (error.code === UNKNOWN_ZONE) return null
    throw error
  })
  return found?.rows[0]?.agrees ?? false
}

const UNKNOWN_ZONE = '22023'

/** No row where the folder has gone on since, so that nothing is read that belongs to another tail. */
const atPosition = (column: string, rows: string) => `
  SELECT (${rows}) AS ${column} FROM usage_position
  WHERE tenant_no = $1::int4 AND generation = $3::int2 AND folded_seq = $4::int8`

const OF_ROLLUPS = `
  SELECT width_bucket(hour, $2::timestamptz[])::int4 AS place,
    (dimension % ${BY_DAY})::int2 AS dimension, value, calls, failed AS failures, denied AS denials,
    units, credits, sized, bytes, timed, ms, largest_bytes, last_at
  FROM usage_hour
  WHERE tenant_no = $1::int4 AND generation = $3::int2 AND dimension = ANY ($5::int2[])
    AND ($6::text IS NULL OR starts_with(value, $6::text || '${EQUALS}')) AND ${within('hour')}`

const ROLLED_USAGE = atPosition(
  'usage',
  `SELECT ${PACKED_USAGE} FROM (
    SELECT place, dimension, value, ${SUMS} FROM (${OF_ROLLUPS}) AS r GROUP BY 1, 2, 3) AS u`,
)
const ROLLED_CALLS = atPosition(
  'usage',
  `SELECT ${PACKED_CALLS} FROM (
    SELECT place, dimension, value, sum(calls)::int8 AS calls
    FROM (${OF_ROLLUPS}) AS r GROUP BY 1, 2, 3) AS u`,
)

/** Usage in each stretch and by each value of the dimensions; null: the rollups are no longer as they were. */
export async function readRolledUsage(
  db: Queryable,
  stretches: Stretches,
  asked: Asked,
  rollups: RollupsAt,
): Promise<PackedUsage | null> {
  const { rows } = await db.query<{ usage: PackedUsage }>({
    name: 'read_rolled_usage',
    text: ROLLED_USAGE,
    values: rolledValues(stretches, asked, rollups),
  })
  return rows[0]?.usage ?? null
}

/** Of the same no more than how many calls. */
export async function readRolledCalls(
  db: Queryable,
  stretches: Stretches,
  asked: Asked,
  rollups: RollupsAt,
): Promise<PackedCalls | null> {
  const { rows } = await db.query<{ usage: PackedCalls }>({
    name: 'read_rolled_calls',
    text: ROLLED_CALLS,
    values: rolledValues(stretches, asked, rollups),
  })
  return rows[0]?.usage ?? null
}

function rolledValues(
  { tenantNo, starts }: Stretches,
  { dimensions, property }: Asked,
  { generation, foldedSeq, byDay }: RollupsAt,
): unknown[] {
  const codes = dimensions.map((code) => (byDay ? code + BY_DAY : code))
  return [tenantNo, instants(starts), generation, foldedSeq, codes, property]
}

const ROLLED_HISTOGRAMS = atPosition(
  'histograms',
  `SELECT ${HISTOGRAMS} FROM (
    SELECT width_bucket(hour, $2::timestamptz[])::int4 AS place, buckets::text, calls::text
    FROM usage_histogram
    WHERE tenant_no = $1::int4 AND generation = $3::int2 AND metric = $5::int2 AND ${within('hour')}
   ) AS h`,
)

/** A place may have several, which are ascending each. */
export async function readRolledHistograms(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  metric: number,
  { generation, foldedSeq, byDay }: RollupsAt,
): Promise<HistogramRow[] | null> {
  const { rows } = await db.query<{ histograms: HistogramRow[] }>({
    name: 'read_rolled_histograms',
    text: ROLLED_HISTOGRAMS,
    values: [tenantNo, instants(starts), generation, foldedSeq, byDay ? metric + BY_DAY : metric],
  })
  return rows[0]?.histograms ?? null
}

/** Voids are few and have an index of their own. What was recorded later was not counted: nor is it taken out. */
const logged = (property: string | null) => `
  stretch AS MATERIALIZED (
    SELECT ${LINE_COLUMNS} FROM entry
    WHERE tenant_no = $1::int4 AND seq > $4::int8 AND seq <= $5::int8 AND recorded_at >= $6
    ORDER BY seq LIMIT $5::int8 - $4::int8
  ), later AS MATERIALIZED (
    SELECT kind, detail FROM entry
    WHERE tenant_no = $1::int4 AND kind NOT IN (3, 4) AND kind = 11 AND seq > $4::int8
      AND recorded_at >= $6 AND (detail ->> 'voided_seq')::int8 <= $5::int8
  ), ${lines({ calls: 'stretch', voids: 'later' }, property === null ? null : `array_remove(ARRAY[${property}], NULL)`)}`

const PLACED = `(
  SELECT *, width_bucket(at, $2::timestamptz[])::int4 AS place FROM lines WHERE ${within('at')}) AS l`

const LOGGED_PROPERTY = '$7::text'

const OF_LINES = `
  SELECT * FROM (${usageBy('place', PLACED, `${LOGGED_PROPERTY} IS NOT NULL`)}) AS d
  WHERE d.dimension = ANY ($3::int2[])`

/** The same from the log alone, for stretches that are shorter than an hour. */
export async function readLoggedUsage(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  { dimensions, property }: Asked,
  { after, through, since }: LogStretch,
): Promise<PackedUsage> {
  const { rows } = await db.query<{ usage: PackedUsage }>({
    name: 'read_logged_usage',
    text: `WITH ${logged(LOGGED_PROPERTY)}
      SELECT ${PACKED_USAGE} AS usage FROM (
        SELECT place, dimension, value, ${SUMS} FROM (${OF_LINES}) AS r GROUP BY 1, 2, 3) AS u`,
    values: [tenantNo, instants(starts), dimensions, after, through, new Date(since), property],
  })
  return rows[0]!.usage
}

/** A place has one. */
export async function readLoggedHistograms(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  metric: number,
  { after, through, since }: LogStretch,
): Promise<HistogramRow[]> {
  const { rows } = await db.query<HistogramRow>({
    name: 'read_logged_histograms',
    text: `WITH ${logged(null)}
      SELECT place, array_agg(bucket ORDER BY bucket)::text AS buckets,
        array_agg(calls ORDER BY bucket)::text AS calls
      FROM (
        SELECT place, bucket, sum(sign)::int8 AS calls FROM (
          SELECT width_bucket(l.at, $2::timestamptz[])::int4 AS place, ${BUCKET} AS bucket, l.sign
          FROM lines AS l CROSS JOIN LATERAL ${HISTOGRAM_VALUES}
          WHERE g.amount IS NOT NULL AND g.metric = $3::int2 AND ${within('l.at')}
        ) AS l GROUP BY place, bucket
      ) AS b GROUP BY place`,
    values: [tenantNo, instants(starts), metric, after, through, new Date(since)],
  })
  return rows
}

/**
 * The last line of a log that was recorded before `at`; 0: none. A log's time never goes back, so halving
 * finds it, whatever its length. A line that is gone was older than those that are there.
 */
export async function readSeqBefore(db: Queryable, tenantNo: number, at: number): Promise<number> {
  const { rows } = await db.query<{ seq: bigint }>({
    name: 'read_seq_before',
    text: `WITH RECURSIVE search (low, high) AS (
        SELECT 0::int8, last_seq FROM account WHERE tenant_no = $1::int4
        UNION ALL
        SELECT CASE WHEN e.recorded_at >= $2 THEN s.low ELSE s.middle END,
          CASE WHEN e.recorded_at >= $2 THEN s.middle - 1 ELSE s.high END
        FROM (SELECT low, high, (low + high + 1) / 2 AS middle FROM search WHERE low < high) AS s
        LEFT JOIN LATERAL (
          SELECT recorded_at FROM entry WHERE tenant_no = $1::int4 AND seq = s.middle LIMIT 1
        ) AS e ON true
      )
      SELECT low AS seq FROM search WHERE low = high`,
    values: [tenantNo, new Date(at)],
  })
  return Number(rows[0]?.seq ?? 0)
}

/**
 * How many lines a log has, if the rollups in use have not counted by a property; null: they have. Behind the
 * cut none is missing; of those before it the ones that stay are counted, up to `linesMax`.
 */
export async function readUncountedLines(
  db: Queryable,
  tenantNo: number,
  property: string,
  linesMax: number,
): Promise<number | null> {
  const { rows } = await db.query<{ lines: bigint | null }>({
    name: 'read_uncounted_lines',
    text: `SELECT CASE WHEN $2::text = ANY (p.properties) THEN NULL
        ELSE a.last_seq - c.seq + (
          SELECT count(*) FROM (
            SELECT FROM entry WHERE tenant_no = $1::int4 AND seq <= c.seq LIMIT $3::int8) AS e)
        END AS lines
      FROM account AS a
      CROSS JOIN (
        SELECT coalesce(max(seq), 0) AS seq FROM log_cut WHERE tenant_no = $1::int4) AS c
      LEFT JOIN usage_position AS p ON p.tenant_no = a.tenant_no AND p.live
      WHERE a.tenant_no = $1::int4`,
    values: [tenantNo, property, linesMax],
  })
  const lines = rows[0]?.lines ?? null
  return lines === null ? null : Number(lines)
}
