import { onlyRow, type Queryable } from '../../db/pool.ts'
import { parseExact } from '../../lib/money.ts'
import type { Period } from '../../lib/periods.ts'
import type { Usage } from './tally.ts'

/** How far a tenant's log is folded, and since when nothing is invoiced, ms. */
export type Position = { tenantNo: number; foldedSeq: number; openFrom: number }
export type LateEntry = { seq: number; periodStart: number }

type PositionRow = { folded_seq: bigint; open_from: number }

/** Held until the transaction ends; the first one makes it. `due_at` is set by who issues. */
export async function lockPosition(
  db: Queryable,
  tenantNo: number,
  first: Period,
): Promise<Position> {
  const result = await db.query<PositionRow>({
    name: 'lock_billing_position',
    text: `INSERT INTO billing_position AS p (tenant_no, folded_seq, open_from, due_at)
      VALUES ($1, 0, $2, $3)
      ON CONFLICT (tenant_no) DO UPDATE SET folded_seq = p.folded_seq
      RETURNING folded_seq, open_from`,
    values: [tenantNo, new Date(first.start), new Date(first.end)],
  })
  const row = onlyRow(result)
  return { tenantNo, foldedSeq: Number(row.folded_seq), openFrom: row.open_from }
}

/** As whoever folds and issues does, until the transaction ends: what they go by stays as it is. */
export async function holdPosition(db: Queryable, tenantNo: number): Promise<void> {
  await db.query('SELECT FROM billing_position WHERE tenant_no = $1 FOR UPDATE', [tenantNo])
}

export async function writeFolded(db: Queryable, tenantNo: number, seq: number): Promise<void> {
  await db.query({
    name: 'write_folded',
    text: 'UPDATE billing_position SET folded_seq = $2 WHERE tenant_no = $1',
    values: [tenantNo, seq],
  })
}

type UsageRow = {
  period_start: number
  plan_version_no: number
  trial: boolean
  meter: string
  region: string
  feature: string
  quantity: string
  last_at: number | null
  first_seq: bigint
  last_seq: bigint
  entries: bigint
}

export async function readUsage(
  db: Queryable,
  tenantNo: number,
  periodStarts: number[],
): Promise<Usage[]> {
  const { rows } = await db.query<UsageRow>({
    name: 'read_billed_usage',
    text: `SELECT period_start, plan_version_no, trial, meter, region, feature, quantity::text,
        last_at, first_seq, last_seq, entries
      FROM billed_usage WHERE tenant_no = $1 AND period_start = ANY($2::timestamptz[])
      ORDER BY period_start, plan_version_no, trial, meter, region, feature`,
    values: [tenantNo, periodStarts.map((at) => new Date(at))],
  })
  return rows.map((row) => ({
    periodStart: row.period_start,
    planVersionNo: row.plan_version_no,
    trial: row.trial,
    meter: row.meter,
    region: row.region,
    feature: row.feature,
    quantity: parseExact(row.quantity),
    lastAt: row.last_at,
    firstSeq: Number(row.first_seq),
    lastSeq: Number(row.last_seq),
    entries: Number(row.entries),
  }))
}

export async function writeUsage(
  db: Queryable,
  tenantNo: number,
  usage: readonly Usage[],
): Promise<void> {
  await db.query({
    name: 'write_billed_usage',
    text: `INSERT INTO billed_usage (tenant_no, period_start, plan_version_no, trial, meter, region,
        feature, quantity, last_at, first_seq, last_seq, entries)
      SELECT $1, * FROM unnest($2::timestamptz[], $3::int4[], $4::bool[], $5::text[], $6::text[],
        $7::text[], $8::numeric[], $9::timestamptz[], $10::int8[], $11::int8[], $12::int8[])
      ON CONFLICT (tenant_no, period_start, plan_version_no, trial, meter, region, feature)
      DO UPDATE SET quantity = EXCLUDED.quantity, last_at = EXCLUDED.last_at,
        first_seq = EXCLUDED.first_seq, last_seq = EXCLUDED.last_seq, entries = EXCLUDED.entries`,
    values: [
      tenantNo,
      usage.map(({ periodStart }) => new Date(periodStart)),
      usage.map(({ planVersionNo }) => planVersionNo),
      usage.map(({ trial }) => trial),
      usage.map(({ meter }) => meter),
      usage.map(({ region }) => region),
      usage.map(({ feature }) => feature),
      usage.map(({ quantity }) => quantity.toFixed()),
      usage.map(({ lastAt }) => (lastAt === null ? null : new Date(lastAt))),
      usage.map(({ firstSeq }) => firstSeq),
      usage.map(({ lastSeq }) => lastSeq),
      usage.map(({ entries }) => entries),
    ],
  })
}

/** @returns how many of them had not been seen */
export async function insertValues(
  db: Queryable,
  tenantNo: number,
  of: Usage,
  hashes: string[],
): Promise<number> {
  const { rows } = await db.query({
    name: 'insert_billed_values',
    text: `INSERT INTO billed_value
      SELECT $1::int4, $2::timestamptz, $3::int4, $4::bool, $5::text, $6::text, $7::text,
        decode(hash, 'hex') FROM unnest($8::text[]) AS hash
      ON CONFLICT DO NOTHING RETURNING 1`,
    values: [
      tenantNo,
      new Date(of.periodStart),
      of.planVersionNo,
      of.trial,
      of.meter,
      of.region,
      of.feature,
      hashes,
    ],
  })
  return rows.length
}

/** Before it is measured again from the log. */
export async function removePeriod(
  db: Queryable,
  tenantNo: number,
  periodStart: number,
): Promise<void> {
  await db.query(
    `WITH values AS (DELETE FROM billed_value WHERE tenant_no = $1 AND period_start = $2)
     DELETE FROM billed_usage WHERE tenant_no = $1 AND period_start = $2`,
    [tenantNo, new Date(periodStart)],
  )
}

export async function insertLate(
  db: Queryable,
  tenantNo: number,
  late: readonly LateEntry[],
): Promise<void> {
  if (late.length === 0) return
  await db.query(
    `INSERT INTO late_entry (tenant_no, seq, period_start)
     SELECT $1, * FROM unnest($2::int8[], $3::timestamptz[])`,
    [tenantNo, late.map(({ seq }) => seq), late.map(({ periodStart }) => new Date(periodStart))],
  )
}

/** @param dueAt when to look again; null: never by itself */
export async function movePosition(
  db: Queryable,
  tenantNo: number,
  { openFrom, dueAt }: { openFrom: number; dueAt: number | null },
): Promise<void> {
  await db.query({
    name: 'move_billing_position',
    text: 'UPDATE billing_position SET open_from = $2, due_at = $3 WHERE tenant_no = $1',
    values: [tenantNo, new Date(openFrom), dueAt === null ? null : new Date(dueAt)],
  })
}

/** Tenants whose turn it is, the longest waiting first; and those that nobody has looked at yet. */
export async function readDue(db: Queryable, now: number, limit: number): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    `(SELECT tenant_no FROM billing_position WHERE due_at <= $1 ORDER BY due_at LIMIT $2)
     UNION ALL
     (SELECT t.tenant_no FROM tenant AS t
      WHERE NOT EXISTS (SELECT FROM billing_position AS p WHERE p.tenant_no = t.tenant_no)
      LIMIT $2)`,
    [new Date(now), limit],
  )
  return rows.map(({ tenant_no }) => tenant_no)
}

/** Tenants whose log has lines that nobody has folded yet. */
export async function readBehind(db: Queryable, limit: number): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    `SELECT p.tenant_no FROM billing_position AS p JOIN account AS a ON a.tenant_no = p.tenant_no
     WHERE a.last_seq > p.folded_seq LIMIT $1`,
    [limit],
  )
  return rows.map(({ tenant_no }) => tenant_no)
}

export async function postpone(db: Queryable, tenantNo: number, dueAt: number): Promise<void> {
  await db.query('UPDATE billing_position SET due_at = $2 WHERE tenant_no = $1', [
    tenantNo,
    new Date(dueAt),
  ])
}
