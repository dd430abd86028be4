import type { TaxOfRate } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import type { Basis } from '../invoices/types.ts'

/** What was issued, and what it was computed from (null: by hand); `no` is its step, as of an invoice. */
export type StoredNote = { issued: object; basis: Basis | null; no?: number }

export type CreditNoteRow = {
  tenant_no: number
  credit_note_id: string
  number: string
  invoice_id: string
  issued_at: number
  total: string
  through_seq: bigint | null
  document: StoredNote
  /** Of the request that it was made by, if that had one. */
  idempotency_key: string | null
}

const CREDIT_NOTE_COLUMNS = `tenant_no, credit_note_id, number, invoice_id, issued_at, total::text,
  through_seq, document, idempotency_key`

export async function insertCreditNote(db: Queryable, row: CreditNoteRow): Promise<void> {
  await db.query(
    `INSERT INTO credit_note (tenant_no, credit_note_id, number, invoice_id, issued_at, total,
       through_seq, document, idempotency_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      row.tenant_no,
      row.credit_note_id,
      row.number,
      row.invoice_id,
      new Date(row.issued_at),
      row.total,
      row.through_seq,
      JSON.stringify(row.document),
      row.idempotency_key,
    ],
  )
}

export async function readCreditNote(
  db: Queryable,
  tenantNo: number,
  creditNoteId: string,
): Promise<CreditNoteRow | null> {
  const { rows } = await db.query<CreditNoteRow>(
    `SELECT ${CREDIT_NOTE_COLUMNS} FROM credit_note WHERE tenant_no = $1 AND credit_note_id = $2`,
    [tenantNo, creditNoteId],
  )
  return rows[0] ?? null
}

/** The one that was made by a request with this key. */
export async function readCreditNoteByKey(
  db: Queryable,
  tenantNo: number,
  idempotencyKey: string,
): Promise<CreditNoteRow | null> {
  const { rows } = await db.query<CreditNoteRow>(
    `SELECT ${CREDIT_NOTE_COLUMNS} FROM credit_note WHERE tenant_no = $1 AND idempotency_key = $2`,
    [tenantNo, idempotencyKey],
  )
  return rows[0] ?? null
}

/** Newest first, before an id; null: from the newest. Ids grow with their numbers. */
export async function readCreditNotes(
  db: Queryable,
  tenantNo: number,
  beforeId: string | null,
  limit: number,
): Promise<CreditNoteRow[]> {
  const { rows } = await db.query<CreditNoteRow>(
    `SELECT ${CREDIT_NOTE_COLUMNS} FROM credit_note
     WHERE tenant_no = $1 AND ($2::text IS NULL OR credit_note_id < $2)
     ORDER BY credit_note_id DESC LIMIT $3`,
    [tenantNo, beforeId, limit],
  )
  return rows
}

/** What the credit notes of an invoice have taken back, by tax rate. */
export async function readCreditedByRate(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<TaxOfRate[]> {
  const { rows } = await db.query<{ tax_rate: string | null; subtotal: string; tax: string }>(
    `SELECT t ->> 'tax_rate' AS tax_rate, sum((t ->> 'subtotal')::numeric)::text AS subtotal,
       sum((t ->> 'tax')::numeric)::text AS tax
     FROM credit_note AS c, json_array_elements(
       -- Where nothing is said of taxes, all lines have one rate.
       coalesce(c.document #> '{issued,taxes}', json_build_array(c.document -> 'issued'))) AS t
     WHERE c.tenant_no = $1 AND c.invoice_id = $2 GROUP BY 1`,
    [tenantNo, invoiceId],
  )
  return rows
}
