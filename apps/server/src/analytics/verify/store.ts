import type { Queryable } from '../../db/pool.ts'

export type Position = {
  tenantNo: number
  generation: number
  hourZone: string
  timeZone: string
  properties: readonly string[]
  foldedSeq: number
}

/** Of all tenants, those that readers use. */
export async function readLivePositions(db: Queryable): Promise<Position[]> {
  const { rows } = await db.query<{
    tenant_no: number
    generation: number
    hour_zone: string
    time_zone: string
    properties: string[]
    folded_seq: bigint
  }>(
    `SELECT tenant_no, generation, hour_zone, time_zone, properties, folded_seq FROM usage_position
     WHERE live ORDER BY tenant_no`,
  )
  return rows.map((row) => ({
    tenantNo: row.tenant_no,
    generation: row.generation,
    hourZone: row.hour_zone,
    timeZone: row.time_zone,
    properties: row.properties,
    foldedSeq: Number(row.folded_seq),
  }))
}

/** When the days of these hours began in a zone, to PostgreSQL. */
export async function readDays(
  db: Queryable,
  timeZone: string,
  hours: readonly number[],
): Promise<number[]> {
  const { rows } = await db.query<{ day: number }>(
    `SELECT date_trunc('day', hour, $1::text) AS day
     FROM unnest($2::timestamptz[]) WITH ORDINALITY AS h (hour, place) ORDER BY place`,
    [timeZone, hours.map((hour) => new Date(hour))],
  )
  return rows.map(({ day }) => day)
}

export type HourRow = {
  hour: number
  value: string
  calls: bigint
  failed: bigint
  denied: bigint
  units: string
  credits: string
  sized: bigint
  bytes: string
  timed: bigint
  ms: string
  largest_bytes: bigint | null
  last_at: number | null
}

export async function readHours(
  db: Queryable,
  { tenantNo, generation }: Position,
  dimension: number,
): Promise<HourRow[]> {
  const { rows } = await db.query<HourRow>(
    `SELECT hour, value, calls, failed, denied, units, credits, sized, bytes, timed, ms,
       largest_bytes, last_at
     FROM usage_hour WHERE tenant_no = $1 AND generation = $2 AND dimension = $3`,
    [tenantNo, generation, dimension],
  )
  return rows
}

export type BucketRow = { metric: number; hour: number; bucket: number; calls: bigint }

export async function readBuckets(
  db: Queryable,
  { tenantNo, generation }: Position,
): Promise<BucketRow[]> {
  const { rows } = await db.query<BucketRow>(
    `SELECT metric, hour, b.bucket, b.calls
     FROM usage_histogram AS h CROSS JOIN LATERAL unnest(h.buckets, h.calls) AS b (bucket, calls)
     WHERE tenant_no = $1 AND generation = $2`,
    [tenantNo, generation],
  )
  return rows
}

export async function readCountersOf(
  db: Queryable,
  { tenantNo, generation }: Position,
): Promise<
  { service: string; file_type: string; output_format: string; status: string; calls: bigint }[]
> {
  const { rows } = await db.query(
    `SELECT service, file_type, output_format, status, calls FROM usage_counter
     WHERE tenant_no = $1 AND generation = $2`,
    [tenantNo, generation],
  )
  return rows
}

export async function readLatenciesOf(
  db: Queryable,
  { tenantNo, generation }: Position,
): Promise<{ le_ms: string; calls: bigint; ms: string }[]> {
  const { rows } = await db.query(
    `SELECT le_ms::text, calls, ms FROM usage_latency WHERE tenant_no = $1 AND generation = $2`,
    [tenantNo, generation],
  )
  return rows
}
