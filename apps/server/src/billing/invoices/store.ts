import { onlyRow, type Queryable } from '../../db/pool.ts'
import type { AskedDocument, Basis } from './types.ts'

/** Whoever takes a number holds the series until the end of the transaction: so there are no gaps. */
export async function takeNumber(db: Queryable, series: string): Promise<number> {
  const { last_no } = onlyRow(
    await db.query<{ last_no: bigint }>({
      name: 'take_document_number',
      text: `INSERT INTO document_number AS d (series, last_no) VALUES ($1, 1)
        ON CONFLICT (series) DO UPDATE SET last_no = d.last_no + 1 RETURNING last_no`,
      values: [series],
    }),
  )
  return Number(last_no)
}

/**
 * What is done to a tenant's documents, one after the other: what was void and credited when a document
 * was issued can then be told later. Whoever takes a step holds the tenant's position.
 */
export async function takeStep(
  db: Queryable,
  tenantNo: number,
  kind: 'invoice' | 'credit_note' | 'void',
  documentId: string,
): Promise<number> {
  const { no } = onlyRow(
    await db.query<{ no: bigint }>({
      name: 'take_document_step',
      text: `WITH position AS (
          UPDATE billing_position SET steps = steps + 1 WHERE tenant_no = $1 RETURNING steps)
        INSERT INTO document_step (tenant_no, no, kind, document_id)
        SELECT $1, steps, $2, $3 FROM position RETURNING no`,
      values: [tenantNo, kind, documentId],
    }),
  )
  return Number(no)
}

/**
 * What was issued, and what it was computed from. `no` is its step; what was issued before there were
 * steps has none, and taxed corrections like everything else on it.
 */
export type StoredDocument = { issued: object; basis: Basis; no?: number }

export type InvoiceRow = {
  tenant_no: number
  invoice_id: string
  number: string
  period_start: number
  period_end: number
  issued_at: number
  due_at: number
  currency: string
  total: string
  through_seq: bigint
  document: StoredDocument
  status: 'open' | 'paid' | 'uncollectible' | 'void'
  credited: string
  /** What it took of the credit that earlier invoices left over. */
  credit_applied: string
  paid_at: number | null
  payment_reference: string | null
  /** What a provider was asked for, or none was. */
  payment_amount: string | null
}

const INVOICE_COLUMNS = `tenant_no, invoice_id, number, period_start, period_end, issued_at, due_at,
  currency, total::text, through_seq, document, status, credited::text,
  credit_applied::text, paid_at, payment_reference, payment_amount::text`

export type InvoiceToInsert = Omit<InvoiceRow, 'credited' | 'payment_reference' | 'payment_amount'>

export async function insertInvoice(db: Queryable, row: InvoiceToInsert): Promise<void> {
  await db.query({
    name: 'insert_invoice',
    text: `INSERT INTO invoice (tenant_no, invoice_id, number, period_start, period_end, issued_at,
        due_at, currency, total, through_seq, document, status, paid_at, credit_applied)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    values: [
      row.tenant_no,
      row.invoice_id,
      row.number,
      new Date(row.period_start),
      new Date(row.period_end),
      new Date(row.issued_at),
      new Date(row.due_at),
      row.currency,
      row.total,
      row.through_seq,
      JSON.stringify(row.document),
      row.status,
      row.paid_at === null ? null : new Date(row.paid_at),
      row.credit_applied,
    ],
  })
}

/** As `readInvoice`; nobody else changes it until the transaction ends. */
export async function lockInvoice(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<InvoiceRow | null> {
  const { rows } = await db.query<InvoiceRow>(
    `SELECT ${INVOICE_COLUMNS} FROM invoice WHERE tenant_no = $1 AND invoice_id = $2 FOR UPDATE`,
    [tenantNo, invoiceId],
  )
  return rows[0] ?? null
}

export async function readInvoice(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<InvoiceRow | null> {
  const { rows } = await db.query<InvoiceRow>(
    `SELECT ${INVOICE_COLUMNS} FROM invoice WHERE tenant_no = $1 AND invoice_id = $2`,
    [tenantNo, invoiceId],
  )
  return rows[0] ?? null
}

export type InvoiceNameRow = { invoice_id: string; number: string; total: string }

/** What is needed to name some of them. */
export async function readInvoicesById(
  db: Queryable,
  tenantNo: number,
  invoiceIds: readonly string[],
): Promise<InvoiceNameRow[]> {
  const { rows } = await db.query<InvoiceNameRow>(
    `SELECT invoice_id, number, total::text FROM invoice
     WHERE tenant_no = $1 AND invoice_id = ANY ($2)`,
    [tenantNo, invoiceIds],
  )
  return rows
}

/** Newest period first, before `before` (ms); null: from the newest. */
export async function readInvoices(
  db: Queryable,
  tenantNo: number,
  before: number | null,
  limit: number,
): Promise<InvoiceRow[]> {
  const { rows } = await db.query<InvoiceRow>(
    `SELECT ${INVOICE_COLUMNS} FROM invoice
     WHERE tenant_no = $1 AND period_start < coalesce($2::timestamptz, 'infinity')
     ORDER BY period_start DESC LIMIT $3`,
    [tenantNo, before === null ? null : new Date(before), limit],
  )
  return rows
}

export type AdminInvoiceRow = InvoiceRow & { tenant_id: string }

/** Where a page of `readAllInvoices` ends: issued_at and period_start in ms. */
export type InvoicePlace = { issuedAt: number; tenantNo: number; periodStart: number }

/** Of all tenants, newest first, before a place; those on test clocks apart. */
export async function readAllInvoices(
  db: Queryable,
  wanted: {
    status: string | null
    testClocks: boolean
    before: InvoicePlace | null
    limit: number
  },
): Promise<AdminInvoiceRow[]> {
  const { status, testClocks, before, limit } = wanted
  const { rows } = await db.query<InvoiceRow & { tenant_id: string }>(
    `SELECT ${INVOICE_COLUMNS.replaceAll(/\b(tenant_no|document|status)\b/g, 'i.$1')}, t.tenant_id
     FROM invoice AS i JOIN tenant AS t ON t.tenant_no = i.tenant_no
     WHERE t.has_test_clock = $1 AND i.status = coalesce($2, i.status)
       AND (i.issued_at, i.tenant_no, i.period_start)
         < (coalesce($3::timestamptz, 'infinity'), $4::int8, $5::timestamptz)
     ORDER BY i.issued_at DESC, i.tenant_no DESC, i.period_start DESC LIMIT $6`,
    [
      testClocks,
      status,
      before === null ? null : new Date(before.issuedAt),
      before?.tenantNo ?? 0,
      new Date(before?.periodStart ?? 0),
      limit,
    ],
  )
  return rows
}

export type RevenueRow = {
  currency: string
  invoices: number
  issued: string
  credited: string
  paid: string
  open: string
  uncollectible: string
  void: string
}

/** Of invoices issued from `from` on and before `to`, ms, by currency; without test clocks. */
export async function readRevenue(db: Queryable, from: number, to: number): Promise<RevenueRow[]> {
  const { rows } = await db.query<RevenueRow>(
    `SELECT i.currency, count(*)::int AS invoices, sum(i.total)::text AS issued,
       sum(i.credited)::text AS credited,
       ${sumOf('paid', 'i.total - i.credited')}, ${sumOf('open', STILL_ASKED)},
       ${sumOf('uncollectible', STILL_ASKED)}, ${sumOf('void', 'i.total - i.credited')}
     FROM invoice AS i JOIN tenant AS t ON t.tenant_no = i.tenant_no
     WHERE NOT t.has_test_clock AND i.issued_at >= $1 AND i.issued_at < $2
     GROUP BY i.currency ORDER BY i.currency`,
    [new Date(from), new Date(to)],
  )
  return rows
}

/** What an invoice took of a tenant's credit was paid when that was left over. */
const STILL_ASKED = 'i.total - i.credited - i.credit_applied'

function sumOf(status: InvoiceRow['status'], amount: string): string {
  const byCredit =
    status === 'paid'
      ? ` + coalesce(sum(i.credit_applied) FILTER (WHERE i.status IN ('open', 'uncollectible')), 0)`
      : ''
  return `(coalesce(sum(${amount}) FILTER (WHERE i.status = '${status}'), 0)${byCredit})::text
    AS ${status}`
}

/** Everything that was ever asked of a tenant: of invoices and of credit notes for late lines. */
export async function readBilled(db: Queryable, tenantNo: number): Promise<AskedDocument[]> {
  const { rows } = await db.query<{
    id: string
    is_void: boolean
    basis: Basis
    period_start: number | null
    tax_rate: string | null
    credited_by_hand: string
    through_seq: bigint
  }>(
    `WITH by_hand AS (
       SELECT invoice_id, sum((document #>> '{issued,subtotal}')::numeric)::text AS credited
       FROM credit_note WHERE tenant_no = $1 AND through_seq IS NULL GROUP BY invoice_id)
     SELECT i.invoice_id AS id, i.status = 'void' AS is_void, i.document -> 'basis' AS basis,
       i.period_start, i.document #>> '{issued,tax_rate}' AS tax_rate,
       coalesce(h.credited, '0') AS credited_by_hand, i.through_seq
     FROM invoice AS i LEFT JOIN by_hand AS h ON h.invoice_id = i.invoice_id
     WHERE i.tenant_no = $1
     UNION ALL
     SELECT credit_note_id, false, document -> 'basis', NULL, NULL, '0', through_seq
     FROM credit_note WHERE tenant_no = $1 AND through_seq IS NOT NULL
     ORDER BY through_seq`,
    [tenantNo],
  )
  return rows.map((row) => ({
    id: row.id,
    isVoid: row.is_void,
    basis: row.basis,
    periodStart: row.period_start,
    taxRate: row.tax_rate,
    creditedByHand: row.credited_by_hand,
  }))
}

/** Invoices that people credited or made void since the last one was issued. */
export async function readTouchedInvoices(db: Queryable, tenantNo: number): Promise<string[]> {
  const { rows } = await db.query<{ invoice_id: string }>({
    name: 'read_touched_invoices',
    text: `SELECT DISTINCT coalesce(c.invoice_id, s.document_id) AS invoice_id
      FROM document_step AS s LEFT JOIN credit_note AS c
        ON c.tenant_no = s.tenant_no AND c.credit_note_id = s.document_id
      WHERE s.tenant_no = $1 AND s.kind <> 'invoice' AND c.through_seq IS NULL
        AND s.no > coalesce((SELECT max(no) FROM document_step
          WHERE tenant_no = $1 AND kind = 'invoice'), 0)`,
    values: [tenantNo],
  })
  return rows.map(({ invoice_id }) => invoice_id)
}

export type VoidInvoice = { number: string; basis: Basis }

/** What was void when an invoice was issued. */
export async function readVoidsBefore(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<VoidInvoice[]> {
  const { rows } = await db.query<VoidInvoice>(
    `SELECT i.number, i.document -> 'basis' AS basis
     FROM document_step AS own
     JOIN document_step AS v ON v.tenant_no = own.tenant_no AND v.no < own.no AND v.kind = 'void'
     JOIN invoice AS i ON i.tenant_no = v.tenant_no AND i.invoice_id = v.document_id
     WHERE own.tenant_no = $1 AND own.kind = 'invoice' AND own.document_id = $2 ORDER BY v.no`,
    [tenantNo, invoiceId],
  )
  return rows
}

/** Periods that cost something else now than what was asked, because of lines that came late. */
export async function readLatePeriods(db: Queryable, tenantNo: number): Promise<number[]> {
  const { rows } = await db.query<{ period_start: number }>({
    name: 'read_late_periods',
    text: `SELECT DISTINCT period_start FROM late_entry
      WHERE tenant_no = $1 AND settled_by IS NULL ORDER BY period_start`,
    values: [tenantNo],
  })
  return rows.map(({ period_start }) => period_start)
}

/** Also those that a document made up for that is void. */
export async function settleLate(
  db: Queryable,
  tenantNo: number,
  periodStarts: number[],
  by: string,
): Promise<void> {
  await db.query(
    `UPDATE late_entry AS l SET settled_by = $3
     WHERE l.tenant_no = $1 AND l.period_start = ANY($2::timestamptz[])
       AND (l.settled_by IS NULL OR EXISTS (SELECT FROM invoice AS i
         WHERE i.tenant_no = l.tenant_no AND i.invoice_id = l.settled_by AND i.status = 'void'))`,
    [tenantNo, periodStarts.map((at) => new Date(at)), by],
  )
}

/** The lines that a document made up for. */
export async function readSettled(
  db: Queryable,
  tenantNo: number,
  by: string,
  limit: number,
): Promise<{ seq: number; periodStart: number }[]> {
  const { rows } = await db.query<{ seq: bigint; period_start: number }>(
    `SELECT seq, period_start FROM late_entry WHERE tenant_no = $1 AND settled_by = $2
     ORDER BY seq LIMIT $3`,
    [tenantNo, by, limit],
  )
  return rows.map((row) => ({ seq: Number(row.seq), periodStart: row.period_start }))
}

export async function writeStatus(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
  { status, paidAt }: { status: InvoiceRow['status']; paidAt: number | null },
): Promise<void> {
  await db.query(
    'UPDATE invoice SET status = $3, paid_at = $4 WHERE tenant_no = $1 AND invoice_id = $2',
    [tenantNo, invoiceId, status, paidAt === null ? null : new Date(paidAt)],
  )
}

/** @returns false where more would be credited than was asked */
export async function addCredited(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
  amount: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `UPDATE invoice SET credited = credited + $3::numeric
     WHERE tenant_no = $1 AND invoice_id = $2 AND status <> 'void'
       AND credited + $3::numeric <= greatest(total, 0)`,
    [tenantNo, invoiceId, amount],
  )
  return rowCount === 1
}
