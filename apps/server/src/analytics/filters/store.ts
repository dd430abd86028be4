import type { Queryable } from '../../db/pool.ts'
import { DIMENSION_CODES, type Dimension, EQUALS, OTHER } from '../dimensions.ts'
import {
  CALL_FIELDS,
  DIMENSION_VALUES,
  LINE_COLUMNS,
  MEASURES,
  propertiesOf,
  SUMS,
} from '../lines-sql.ts'
import { PACKED_USAGE, type PackedUsage } from '../readings/packed.ts'
import type { LogStretch, Stretches } from '../readings/store.ts'
import { instants, within } from '../readings/stretches-sql.ts'
import type { Aspect } from './filters.ts'
import { filterParameters, type LineFilter, matches } from './line-filter.ts'

/** `valuesMax`: those with most calls by themselves, the others together; null: all by themselves. */
export type FilteredAsked = Stretches & Aspect & { valuesMax: number | null }

/**
 * From the lines of the log alone, of calls to which a filter applies, by one thing. Half a million lines may
 * be looked at, and each may have another value: nothing is kept that is not asked for.
 */
export async function readFilteredUsage(
  db: Queryable,
  { tenantNo, starts, dimension, property, valuesMax }: FilteredAsked,
  { after, through, since }: LogStretch,
  filter: LineFilter,
): Promise<PackedUsage> {
  const names = new Set([...(property === null ? [] : [property]), ...filter.properties.keys()])
  const { rows } = await db.query<{ usage: PackedUsage }>({
    name: `read_filtered_usage_by_${dimension}`,
    text: filteredUsage(dimension),
    values: [
      ...[tenantNo, instants(starts), after, through, new Date(since)],
      ...[[...names], valuesMax, ...filterParameters(filter)],
    ],
  })
  return rows[0]!.usage
}

const filteredUsage = (dimension: Dimension) => `
WITH voided AS MATERIALIZED (
  SELECT (detail ->> 'voided_seq')::int8 AS seq FROM entry
  WHERE tenant_no = $1::int4 AND kind NOT IN (3, 4) AND kind = 11 AND seq > $3::int8
    AND recorded_at >= $5 AND (detail ->> 'voided_seq')::int8 <= $4::int8
), counted AS MATERIALIZED (
  SELECT place, value, ${MEASURES}
  FROM (
    SELECT c.*, width_bucket(c.at, $2::timestamptz[])::int4 AS place,
      ${dimension === 'property' ? OF_PROPERTY : DIMENSION_VALUES[dimension]} AS value
    FROM (
      SELECT 1 AS sign, ${FILTERED_FIELDS} FROM entry AS e
      WHERE e.tenant_no = $1::int4 AND e.seq > $3::int8 AND e.seq <= $4::int8
        AND e.recorded_at >= $5 AND e.kind IN (3, 4)
      UNION ALL
      SELECT -1 AS sign, ${FILTERED_FIELDS} FROM voided AS v CROSS JOIN LATERAL (
        SELECT ${LINE_COLUMNS} FROM entry
        WHERE tenant_no = $1::int4 AND seq = v.seq LIMIT 1) AS e
    ) AS c WHERE ${within('c.at')} AND ${matches(8)}
  ) AS l WHERE value IS NOT NULL GROUP BY place, value
), shown AS MATERIALIZED (
  SELECT value AS name FROM counted WHERE value <> ${otherOf(dimension)} GROUP BY value
  HAVING bool_or(calls <> 0 OR denials <> 0)
  ORDER BY sum(calls) DESC, value COLLATE "C" LIMIT $7::int8
)
SELECT ${PACKED_USAGE} AS usage FROM (
  SELECT place, ${DIMENSION_CODES[dimension]}::int2 AS dimension,
    coalesce(s.name, ${otherOf(dimension)}) AS value, ${SUMS}
  FROM counted AS c LEFT JOIN shown AS s ON s.name = c.value GROUP BY 1, 2, 3) AS u`

/** As rollups call what is beyond their bound. */
function otherOf(dimension: Dimension): string {
  return dimension === 'property' ? `($6::text[])[1] || '${EQUALS}${OTHER}'` : `'${OTHER}'`
}

/** Of the properties that are looked at, the one that is asked by is the first. */
const FILTERED_FIELDS = `${CALL_FIELDS}, ${propertiesOf('$6::text[]')}`
const OF_PROPERTY = `(
  SELECT p.pair FROM unnest(c.properties) AS p (pair)
  WHERE starts_with(p.pair, ($6::text[])[1] || '${EQUALS}'))`

/** Who sent the calls of a part of a log. */
export async function readLoggedSenders(
  db: Queryable,
  tenantNo: number,
  { after, through, since }: LogStretch,
): Promise<number[]> {
  const { rows } = await db.query<{ sender_no: number }>({
    name: 'read_logged_senders',
    text: `SELECT DISTINCT sender_no FROM entry
      WHERE tenant_no = $1::int4 AND seq > $2::int8 AND seq <= $3::int8 AND recorded_at >= $4
        AND kind IN (3, 4) AND sender_no IS NOT NULL`,
    values: [tenantNo, after, through, new Date(since)],
  })
  return rows.map((row) => row.sender_no)
}
