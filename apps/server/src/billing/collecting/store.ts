import type { Queryable } from '../../db/pool.ts'

/**
 * What the provider is to be asked for of an open invoice; the same for ever, so that it is asked the
 * same however often it is asked. @returns null: nothing is to be collected
 */
export async function writePaymentAmount(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<string | null> {
  const { rows } = await db.query<{ payment_amount: string }>(
    `UPDATE invoice SET payment_amount = coalesce(payment_amount, total - credited - credit_applied)
     WHERE tenant_no = $1 AND invoice_id = $2 AND status = 'open'
       AND total > credited + credit_applied
     RETURNING payment_amount::text`,
    [tenantNo, invoiceId],
  )
  return rows[0]?.payment_amount ?? null
}

export async function writePaymentReference(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
  reference: string,
): Promise<void> {
  await db.query(
    'UPDATE invoice SET payment_reference = $3 WHERE tenant_no = $1 AND invoice_id = $2',
    [tenantNo, invoiceId, reference],
  )
}

export type NoteToTell = { credit_note_id: string; number: string; total: string; reason: string }

/** The credit notes of an invoice, in the order in which they were issued: ids grow with numbers. */
export async function readNotesToTell(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
): Promise<NoteToTell[]> {
  const { rows } = await db.query<NoteToTell>(
    `SELECT credit_note_id, number, total::text, document -> 'issued' ->> 'reason' AS reason
     FROM credit_note WHERE tenant_no = $1 AND invoice_id = $2 ORDER BY credit_note_id`,
    [tenantNo, invoiceId],
  )
  return rows
}

/** @returns false: it was taken before */
export async function insertPaymentEvent(
  db: Queryable,
  provider: string,
  eventId: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `INSERT INTO payment_event (provider, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    [provider, eventId],
  )
  return rowCount === 1
}

/** By the database's clock, which has written when they came. */
export async function deleteOldPaymentEvents(db: Queryable, days: number): Promise<void> {
  await db.query(`DELETE FROM payment_event WHERE received_at < now() - $1 * interval '1 day'`, [
    days,
  ])
}
