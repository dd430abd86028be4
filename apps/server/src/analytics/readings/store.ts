import type { Queryable } from '../../db/pool.ts'
import { BY_DAY, EQUALS } from '../dimensions.ts'
import {
  BUCKET,
  CALL_FIELDS,
  HISTOGRAM_VALUES,
  LINE_COLUMNS,
  propertiesOf,
  SUMS,
  usageBy,
} from '../lines-sql.ts'

/** What a reading is about. `starts`: where its stretches begin, and last where the last one ends, ms. */
export type Stretches = { tenantNo: number; starts: readonly number[] }
/** Whose hours and days are needed; days null: the stretches are no whole days. */
export type Zones = { hours: string; days: string | null }
/** What usage is asked by. `property`: of which the values are asked for; null: of none. */
export type Asked = { dimensions: readonly number[]; property: string | null }
/** Lines of the log that may be about the stretches: calls of (after, through], and all later voids. */
export type LogStretch = { after: number; through: number; since: number }

export type UsageRow = {
  place: number
  dimension: number
  value: string
  calls: bigint
  failures: bigint
  denials: bigint
  units: string
  credits: string
  sized: bigint
  bytes: string
  timed: bigint
  ms: string
  largest_bytes: bigint | null
  last_at: number | null
}
/** Some calls of a stretch, by bucket: two arrays as PostgreSQL writes them. One stretch may have several. */
export type HistogramRow = { place: number; buckets: string; calls: string }

/**
 * Calls, and voided ones with the sign that takes them out, from lines that were found already.
 * @param property SQL of its name, or of null
 */
function lines(calls: string, voids: string, property: string | null): string {
  const names = property === null ? null : `array_remove(ARRAY[${property}], NULL)`
  const fields = `${CALL_FIELDS}, ${propertiesOf(names)}`
  return `lines AS MATERIALIZED (
    SELECT 1 AS sign, ${fields} FROM ${calls} AS e WHERE e.kind IN (3, 4)
    UNION ALL
    SELECT -1 AS sign, ${fields} FROM ${voids} AS v CROSS JOIN LATERAL (
      SELECT ${LINE_COLUMNS} FROM entry
      WHERE tenant_no = $1::int4 AND seq = (v.detail ->> 'voided_seq')::int8 LIMIT 1) AS e
    WHERE v.kind = 11
  )`
}

/**
 * What is folded, and what is not: the lines behind the position. Whole days are read as such where the
 * rollups have the tenant's days, else hours. Where they have other hours than the tenant's, which is so
 * for a moment after it moved, or have not counted by the property that is asked for, all is read from the
 * log.
 * The limit is the number of lines there are, so that the planner looks for few, by their numbers.
 */
const foldedAndTail = (property: string | null) => `
  position AS MATERIALIZED (
    SELECT generation, folded_seq, folded_at,
      CASE WHEN time_zone = $5::text THEN ${BY_DAY} ELSE 0 END AS base
    FROM usage_position WHERE tenant_no = $1::int4 AND live AND hour_zone = $4::text
      ${property === null ? '' : `AND (${property} IS NULL OR ${property} = ANY (properties))`}
  ), tail AS MATERIALIZED (
    SELECT ${LINE_COLUMNS} FROM entry
    WHERE tenant_no = $1::int4 AND seq > coalesce((SELECT folded_seq FROM position), 0)
      AND recorded_at >= coalesce((SELECT folded_at FROM position), '-infinity')
    ORDER BY seq LIMIT (SELECT last_seq FROM account WHERE tenant_no = $1::int4)
  ), ${lines('tail', 'tail', property)}`

/** Voids are few and have an index of their own. */
const logged = (property: string | null) => `
  stretch AS MATERIALIZED (
    SELECT ${LINE_COLUMNS} FROM entry
    WHERE tenant_no = $1::int4 AND seq > $4::int8 AND seq <= $5::int8 AND recorded_at >= $6
    ORDER BY seq LIMIT $5::int8 - $4::int8
  ), later AS MATERIALIZED (
    SELECT kind, detail FROM entry
    WHERE tenant_no = $1::int4 AND kind NOT IN (3, 4) AND kind = 11 AND seq > $4::int8
      AND recorded_at >= $6
  ), ${lines('stretch', 'later', property)}`

const within = (column: string) =>
  `${column} >= ($2::timestamptz[])[1] AND ${column} < ($2::timestamptz[])[cardinality($2::timestamptz[])]`

const PLACED = `(
  SELECT *, width_bucket(at, $2::timestamptz[])::int4 AS place FROM lines WHERE ${within('at')}) AS l`

const FOLDED_PROPERTY = '$6::text'
const LOGGED_PROPERTY = '$7::text'

const ofLines = (property: string) => `
  SELECT * FROM (${usageBy('place', PLACED, `${property} IS NOT NULL`)}) AS d WHERE d.dimension = ANY ($3::int2[])`

const OF_HOURS = `
  SELECT width_bucket(hour, $2::timestamptz[])::int4 AS place,
    (dimension - (SELECT base FROM position))::int2 AS dimension, value, calls,
    failed AS failures, denied AS denials, units, credits, sized, bytes, timed, ms, largest_bytes,
    last_at
  FROM usage_hour
  WHERE tenant_no = $1::int4 AND generation = (SELECT generation FROM position)
    AND dimension = ANY (ARRAY(
      SELECT (d + (SELECT base FROM position))::int2 FROM unnest($3::int2[]) AS d))
    AND (${FOLDED_PROPERTY} IS NULL OR starts_with(value, ${FOLDED_PROPERTY} || '${EQUALS}'))
    AND ${within('hour')}`

const USAGE = `SELECT place, dimension, value, ${SUMS} FROM`

/** Usage in each stretch and by each value of the dimensions. `place` counts the stretches from 1. */
export async function readUsage(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  { dimensions, property }: Asked,
  zones: Zones,
): Promise<UsageRow[]> {
  const { rows } = await db.query<UsageRow>({
    name: 'read_usage',
    text: `WITH ${foldedAndTail(FOLDED_PROPERTY)}
      ${USAGE} (${OF_HOURS} UNION ALL ${ofLines(FOLDED_PROPERTY)}) AS r GROUP BY 1, 2, 3`,
    values: [tenantNo, instants(starts), dimensions, zones.hours, zones.days, property],
  })
  return rows
}

/** The same from the log alone, for stretches that are shorter than an hour. */
export async function readLoggedUsage(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  { dimensions, property }: Asked,
  { after, through, since }: LogStretch,
): Promise<UsageRow[]> {
  const { rows } = await db.query<UsageRow>({
    name: 'read_logged_usage',
    text: `WITH ${logged(LOGGED_PROPERTY)}
      ${USAGE} (${ofLines(LOGGED_PROPERTY)}) AS r GROUP BY 1, 2, 3`,
    values: [tenantNo, instants(starts), dimensions, after, through, new Date(since), property],
  })
  return rows
}

/** A line is a histogram of one call. As text: parsing it here costs a tenth of what the driver's arrays do. */
const HISTOGRAMS_OF_LINES = `
  SELECT place, array_agg(bucket)::text AS buckets, array_agg(calls)::text AS calls
  FROM (
    SELECT width_bucket(l.at, $2::timestamptz[])::int4 AS place, ${BUCKET} AS bucket, l.sign AS calls
    FROM lines AS l CROSS JOIN LATERAL ${HISTOGRAM_VALUES}
    WHERE g.amount IS NOT NULL AND g.metric = $3::int2 AND ${within('l.at')}
  ) AS l GROUP BY place`

const HISTOGRAMS_OF_HOURS = `
  SELECT width_bucket(hour, $2::timestamptz[])::int4 AS place, buckets::text, calls::text
  FROM usage_histogram
  WHERE tenant_no = $1::int4 AND generation = (SELECT generation FROM position)
    AND metric = ($3::int2 + (SELECT base FROM position))::int2 AND ${within('hour')}`

export async function readHistograms(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  metric: number,
  zones: Zones,
): Promise<HistogramRow[]> {
  const { rows } = await db.query<HistogramRow>({
    name: 'read_histograms',
    text: `WITH ${foldedAndTail(null)} ${HISTOGRAMS_OF_HOURS} UNION ALL ${HISTOGRAMS_OF_LINES}`,
    values: [tenantNo, instants(starts), metric, zones.hours, zones.days],
  })
  return rows
}

export async function readLoggedHistograms(
  db: Queryable,
  { tenantNo, starts }: Stretches,
  metric: number,
  { after, through, since }: LogStretch,
): Promise<HistogramRow[]> {
  const { rows } = await db.query<HistogramRow>({
    name: 'read_logged_histograms',
    text: `WITH ${logged(null)} ${HISTOGRAMS_OF_LINES}`,
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

/** Whether the rollups in use have counted by a property; and how many lines the log has. */
export async function readIsCounted(
  db: Queryable,
  tenantNo: number,
  property: string,
): Promise<{ isCounted: boolean; lines: number }> {
  const { rows } = await db.query<{ is_counted: boolean | null; last_seq: bigint }>({
    name: 'read_is_counted',
    text: `SELECT a.last_seq, $2::text = ANY (p.properties) AS is_counted
      FROM account AS a
      LEFT JOIN usage_position AS p ON p.tenant_no = a.tenant_no AND p.live
      WHERE a.tenant_no = $1::int4`,
    values: [tenantNo, property],
  })
  return { isCounted: rows[0]?.is_counted ?? false, lines: Number(rows[0]?.last_seq ?? 0) }
}

function instants(starts: readonly number[]): string[] {
  return starts.map((at) => new Date(at).toISOString())
}
