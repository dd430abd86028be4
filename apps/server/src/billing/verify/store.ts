import type { Queryable } from '../../db/pool.ts'

export async function readTenantNos(db: Queryable): Promise<number[]> {
  const { rows } = await db.query<{ tenant_no: number }>(
    'SELECT tenant_no FROM tenant ORDER BY tenant_no',
  )
  return rows.map(({ tenant_no }) => tenant_no)
}

/** Null: nobody has looked at the tenant yet. */
export async function readPosition(
  db: Queryable,
  tenantNo: number,
): Promise<{ foldedSeq: number; openFrom: number; steps: number } | null> {
  const { rows } = await db.query<{ folded_seq: bigint; open_from: number; steps: bigint }>(
    'SELECT folded_seq, open_from, steps FROM billing_position WHERE tenant_no = $1',
    [tenantNo],
  )
  const row = rows[0]
  if (row === undefined) return null
  const { folded_seq, open_from, steps } = row
  return { foldedSeq: Number(folded_seq), openFrom: open_from, steps: Number(steps) }
}

export type StepRow = { no: number; kind: 'invoice' | 'credit_note' | 'void'; documentId: string }

/** What was done to a tenant's documents, in order. */
export async function readSteps(db: Queryable, tenantNo: number): Promise<StepRow[]> {
  const { rows } = await db.query<{ no: bigint; kind: StepRow['kind']; document_id: string }>(
    'SELECT no, kind, document_id FROM document_step WHERE tenant_no = $1 ORDER BY no',
    [tenantNo],
  )
  return rows.map(({ no, kind, document_id }) => ({
    no: Number(no),
    kind,
    documentId: document_id,
  }))
}

/** Of all periods that anything was measured in. */
export async function readUsagePeriods(db: Queryable, tenantNo: number): Promise<number[]> {
  const { rows } = await db.query<{ period_start: number }>(
    'SELECT DISTINCT period_start FROM billed_usage WHERE tenant_no = $1 ORDER BY period_start',
    [tenantNo],
  )
  return rows.map(({ period_start }) => period_start)
}

export type ValuesRow = {
  plan_version_no: number
  trial: boolean
  meter: string
  region: string
  feature: string
  hashes: string[]
}

/** The different values that were seen in a period. */
export async function readValues(
  db: Queryable,
  tenantNo: number,
  periodStart: number,
): Promise<ValuesRow[]> {
  const { rows } = await db.query<ValuesRow>(
    `SELECT plan_version_no, trial, meter, region, feature,
       array_agg(encode(value_hash, 'hex') ORDER BY value_hash) AS hashes
     FROM billed_value WHERE tenant_no = $1 AND period_start = $2
     GROUP BY plan_version_no, trial, meter, region, feature`,
    [tenantNo, new Date(periodStart)],
  )
  return rows
}

export type SeriesRow = {
  series: string
  last_no: bigint | null
  documents: bigint
  different: bigint
  lowest: bigint | null
  highest: bigint | null
}

/** By series, what was issued and what was taken. */
export async function readSeries(db: Queryable): Promise<SeriesRow[]> {
  const { rows } = await db.query<SeriesRow>(
    `WITH issued AS (
       SELECT regexp_replace(number, '-[0-9]+$', '') AS of, substring(number FROM '[0-9]+$')::int8 AS no
       FROM (SELECT number FROM invoice UNION ALL SELECT number FROM credit_note) AS documents)
     SELECT coalesce(n.series, i.of) AS series, max(n.last_no) AS last_no,
       count(i.no) AS documents, count(DISTINCT i.no) AS different,
       min(i.no) AS lowest, max(i.no) AS highest
     FROM document_number AS n FULL JOIN issued AS i ON i.of = n.series
     GROUP BY 1 ORDER BY 1`,
  )
  return rows
}

/** Late lines that a document claims that does not exist. */
export async function readSettledByNothing(db: Queryable, tenantNo: number): Promise<number[]> {
  const { rows } = await db.query<{ seq: bigint }>(
    `SELECT l.seq FROM late_entry AS l WHERE l.tenant_no = $1 AND l.settled_by IS NOT NULL
       AND NOT EXISTS (SELECT FROM invoice AS i
         WHERE i.tenant_no = l.tenant_no AND i.invoice_id = l.settled_by)
       AND NOT EXISTS (SELECT FROM credit_note AS c
         WHERE c.tenant_no = l.tenant_no AND c.credit_note_id = l.settled_by)
     ORDER BY l.seq`,
    [tenantNo],
  )
  return rows.map(({ seq }) => Number(seq))
}
