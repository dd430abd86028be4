import { USAGE_VALUE_CHARS_MAX } from '../limits.ts'
import { DIMENSION_CODES, type Dimension, EQUALS } from './dimensions.ts'

// How SQL sees a line of the log as usage, in one place for the fold and for what is not folded yet.

/** Of `entry`, what is needed here. */
export const LINE_COLUMNS = `recorded_at, occurred_at, credits, quantity, file_size_bytes,
  processing_time_ms, sender_no, kind, reason, counted, failed, service, endpoint, method, region,
  feature, file_type, output_format, error_code, properties, detail`

/** When a call in `entry AS e` happened: when its sender says, but never later than it was recorded. */
export const AT = 'least(e.occurred_at, e.recorded_at)'

/** Of a call in `entry AS e`. What was denied counts as denied and in nothing else. */
export const CALL_FIELDS = `
  ${AT} AS at, e.reason <> 0 AS denied,
  e.failed AND e.reason = 0 AS failed,
  CASE WHEN e.counted THEN coalesce(e.quantity, 1000000) ELSE 0 END AS units,
  -coalesce(e.credits, 0) AS credits,
  CASE WHEN e.reason = 0 THEN e.file_size_bytes END AS bytes,
  CASE WHEN e.reason = 0 THEN e.processing_time_ms END AS ms,
  e.service, left(e.endpoint, ${USAGE_VALUE_CHARS_MAX}) AS endpoint, e.method, e.sender_no AS sender,
  e.file_type, e.output_format, e.error_code, e.region, e.feature`

/**
 * Of a call in `entry AS e` its properties of these names, each as `name=value`. Lists and mappings have no
 * value to count by, nor has null. Without names the properties are not even looked at.
 * @param names SQL of an array; null: of none
 */
export function propertiesOf(names: string | null): string {
  if (names === null) return 'NULL::text[] AS properties'
  return `CASE WHEN cardinality(${names}) > 0 AND e.properties IS NOT NULL THEN ARRAY(
    SELECT left(p.name || '${EQUALS}' || (p.member #>> '{}'), ${USAGE_VALUE_CHARS_MAX})
    FROM (
      SELECT n.name, e.properties -> n.name AS member FROM unnest(${names}) AS n (name) OFFSET 0
    ) AS p WHERE json_typeof(p.member) IN ('string', 'number', 'boolean')
  ) END AS properties`
}

const AMOUNTS = `
  sum(sign * units)::numeric AS units,
  sum(sign * credits)::numeric AS credits,
  sum(CASE WHEN bytes IS NULL THEN 0 ELSE sign END)::int8 AS sized,
  coalesce(sum(sign * bytes), 0)::numeric AS bytes,
  sum(CASE WHEN ms IS NULL THEN 0 ELSE sign END)::int8 AS timed,
  coalesce(sum(sign * ms), 0)::numeric AS ms,
  max(bytes) FILTER (WHERE sign > 0) AS largest_bytes,
  max(at) FILTER (WHERE sign > 0 AND NOT denied) AS last_at`

/** What is counted, of calls as above with a \`sign\`: -1 takes a voided one out again. */
export const MEASURES = `
  sum(CASE WHEN denied THEN 0 ELSE sign END)::int8 AS calls,
  sum(CASE WHEN failed THEN sign ELSE 0 END)::int8 AS failures,
  sum(CASE WHEN denied THEN sign ELSE 0 END)::int8 AS denials, ${AMOUNTS}`

/** The same, where calls are grouped by whether they were denied, and failed. */
const MEASURES_OF_OUTCOMES = `
  CASE WHEN denied THEN 0 ELSE sum(sign) END::int8 AS calls,
  CASE WHEN failed THEN sum(sign) ELSE 0 END::int8 AS failures,
  CASE WHEN denied THEN sum(sign) ELSE 0 END::int8 AS denials, ${AMOUNTS}`

/** The same, of rows that hold it already. */
export const SUMS = `
  sum(calls)::int8 AS calls, sum(failures)::int8 AS failures, sum(denials)::int8 AS denials,
  sum(units) AS units, sum(credits) AS credits, sum(sized)::int8 AS sized, sum(bytes) AS bytes,
  sum(timed)::int8 AS timed, sum(ms) AS ms, max(largest_bytes) AS largest_bytes,
  max(last_at) AS last_at`

/** What calls `c` are counted by, as they were described above; null: a call has none of this one. */
export const DIMENSION_VALUES = {
  total: `''`,
  service: 'c.service',
  endpoint: 'c.endpoint',
  method: 'c.method',
  key: 'c.sender::text',
  conversion: `c.file_type || '-to-' || c.output_format`,
  file_type: 'c.file_type',
  output_format: 'c.output_format',
  status: `CASE WHEN c.denied THEN 'denied' WHEN c.failed THEN 'failure' ELSE 'success' END`,
  error_code: `CASE WHEN c.failed THEN coalesce(c.error_code, 'unknown') END`,
  region: 'c.region',
  feature: 'c.feature',
} as const satisfies Record<Exclude<Dimension, 'property'>, string>

/** In two halves, because there are often few groups by each and many by both: what was asked, */
const REQUESTS = {
  columns: 'endpoint, method, sender, region, feature',
  dimensions: ['endpoint', 'method', 'key', 'region', 'feature'],
} as const
/** and what became of it. */
const OUTCOMES = {
  columns: 'service, denied, failed, error_code, file_type, output_format',
  dimensions: [
    ...(['total', 'service', 'conversion', 'file_type', 'output_format'] as const),
    ...(['status', 'error_code'] as const),
  ],
} as const

/** Numbered as in dimensions.ts, of calls that are grouped by the columns that they need. */
function valuesOf(dimensions: readonly (keyof typeof DIMENSION_VALUES)[]): string {
  const rows = dimensions.map(
    (name) => `(${DIMENSION_CODES[name]}::int2, ${DIMENSION_VALUES[name]})`,
  )
  return `(VALUES ${rows.join(', ')}) AS d (dimension, value)`
}

const MEASURED = `c.calls, c.failures, c.denials, c.units, c.credits, c.sized, c.bytes, c.timed, c.ms,
  c.largest_bytes, c.last_at`

/** Calls, as above, by `keys` and what became of them. @param more SQL of what else is counted */
export function outcomesBy(keys: string, calls: string, more = ''): string {
  const { columns } = OUTCOMES
  return `SELECT ${keys}, ${columns}, ${MEASURES_OF_OUTCOMES}${more} FROM ${calls} GROUP BY ${keys}, ${columns}`
}

/**
 * Usage of `calls`, as above, by `keys` and each value of each dimension; one several times.
 * @param hasProperties SQL that looks at no call: whether they have any; if not, nobody searches for them
 * @param outcomes what `outcomesBy` gives of them, where it is needed for something else as well
 */
export function usageBy(
  keys: string,
  calls: string,
  hasProperties: string,
  outcomes = `(${outcomesBy(keys, calls)})`,
): string {
  const { columns } = REQUESTS
  const requests = `(
    SELECT ${keys}, ${columns}, ${MEASURES} FROM ${calls} GROUP BY ${keys}, ${columns})`
  const halves = [
    { grouped: requests, dimensions: REQUESTS.dimensions },
    { grouped: outcomes, dimensions: OUTCOMES.dimensions },
  ].map(
    ({ grouped, dimensions }) => `
    SELECT ${keys}, d.dimension, d.value, ${MEASURED}
    FROM ${grouped} AS c CROSS JOIN LATERAL ${valuesOf(dimensions)}
    WHERE d.value IS NOT NULL`,
  )
  const properties = `
    SELECT ${keys}, ${DIMENSION_CODES.property}::int2, c.value, ${MEASURED}
    FROM (
      SELECT ${keys}, p.value, ${MEASURES}
      FROM ${calls} CROSS JOIN LATERAL unnest(properties) AS p (value)
      WHERE ${hasProperties} GROUP BY ${keys}, p.value
    ) AS c`
  return [...halves, properties].join(' UNION ALL ')
}

/** In whose zone hours begin, and of what; the zone UTC, which is that of nearly all, costs least. */
export const hourOf = (zone: string, at: string) => beginningOf('hour', zone, at)
export const dayOf = (zone: string, at: string) => beginningOf('day', zone, at)

const beginningOf = (unit: 'hour' | 'day', zone: string, at: string) =>
  `CASE WHEN ${zone} = 'UTC' THEN date_bin('1 ${unit}', ${at}, '2000-01-01Z')
    ELSE date_trunc('${unit}', ${at}, ${zone}) END`

/** The histograms of a call \`l\`, numbered as in dimensions.ts. */
export const HISTOGRAM_VALUES = '(VALUES (0::int2, l.ms), (1::int2, l.bytes)) AS g (metric, amount)'

/** Buckets 2 % wide, so that the middle of one is within 1 % of all that is in it; -1: zero. */
export const bucketOf = (amount: string) => `CASE WHEN ${amount} < 1 THEN -1
  ELSE floor(ln(${amount}::float8) / ln(1.02::float8)) END::int2`
export const BUCKET = bucketOf('g.amount')
