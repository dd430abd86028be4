import { onlyRow, type Queryable } from '../../db/pool.ts'
import { FOLD } from './fold-sql.ts'

export type Fold = {
  /** None as well where somebody else is folding just now. */
  lines: number
  /** With whom the turn ended; null: nothing was due. */
  lastTenantNo: number | null
}

type FoldRow = { lines: bigint; last_tenant_no: number | null }

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
  return { lines: Number(row.lines), lastTenantNo: row.last_tenant_no }
}

/**
 * In which shares of the tenants somebody is due. To begin the statement that folds, and now and then to plan
 * it, takes longer than to see that there is nothing to fold.
 */
export async function readDueShares(
  db: Queryable,
  linesMin: number,
  shares: number,
): Promise<number[]> {
  const { rows } = await db.query<{ share: number }>({
    name: 'read_due_shares',
    text: `SELECT DISTINCT p.tenant_no % $2::int4 AS share
      FROM usage_position AS p JOIN account AS a USING (tenant_no)
      WHERE a.last_seq >= p.folded_seq + $1::int8`,
    values: [linesMin, shares],
  })
  return rows.map(({ share }) => share)
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
