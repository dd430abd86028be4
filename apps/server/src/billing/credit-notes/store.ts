import type { Queryable } from '../../db/pool.ts'
import type { Basis } from '../invoices/types.ts'

/** What was issued, and what it was computed from; null: by hand. */
export type StoredNote = { issued: object; basis: Basis | null }

export type CreditNoteRow = {
  tenant_no: number
  credit_note_id: string
  number: string
  invoice_id: string
  issued_at: number
  total: string
  through_seq: bigint | null
  document: StoredNote
}

const CREDIT_NOTE_COLUMNS = `tenant_no, credit_note_id, number, invoice_id, issued_at, total::text,
  through_seq, document`

export async function insertCreditNote(db: Queryable, row: CreditNoteRow): Promise<void> {
  await db.query(
    `INSERT INTO credit_note (tenant_no, credit_note_id, number, invoice_id, issued_at, total,
       through_seq, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      row.tenant_no,
      row.credit_note_id,
      row.number,
      row.invoice_id,
      new Date(row.issued_at),
      row.total,
      row.through_seq,
      JSON.stringify(row.document),
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

/** Newest first. */
export async function readCreditNotes(
  db: Queryable,
  tenantNo: number,
  offset: number,
  limit: number,
): Promise<CreditNoteRow[]> {
  const { rows } = await db.query<CreditNoteRow>(
    `SELECT ${CREDIT_NOTE_COLUMNS} FROM credit_note WHERE tenant_no = $1
     ORDER BY issued_at DESC, credit_note_id DESC OFFSET $2 LIMIT $3`,
    [tenantNo, offset, limit],
  )
  return rows
}
