import type { Party } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import { addCredited, lockInvoice, settleLate } from '../invoices/store.ts'
import type { NoteToGive } from '../invoices/work-out.ts'
import type { Folded } from '../usage/fold.ts'
import { issueCreditNote } from './issue.ts'

/** Gives back what earlier periods turned out to cost less, in the transaction that worked it out. */
export async function issueLateNotes(
  db: Queryable,
  { position }: Pick<Folded, 'position'>,
  notes: readonly NoteToGive[],
  { now, seller }: { now: number; seller: Party },
): Promise<void> {
  const { tenantNo } = position
  for (const { periodStart, invoiceId, adjustments, amounts } of notes) {
    const invoice = (await lockInvoice(db, tenantNo, invoiceId))!
    // Whoever credits it, or makes it void, waits for the position.
    if (!(await addCredited(db, tenantNo, invoiceId, amounts.total))) {
      throw new Error(`${invoice.number} was credited while its correction was worked out`)
    }
    const { credit_note_id } = await issueCreditNote(db, invoice, {
      ...amounts,
      seller,
      now,
      reason: 'Calls that were corrected after the invoice was issued',
      throughSeq: position.foldedSeq,
      idempotencyKey: null,
      basis: {
        billed: adjustments.map(({ difference }) => difference),
        discounts: [],
        minimumCommitment: null,
      },
    })
    await settleLate(db, tenantNo, [periodStart], credit_note_id)
  }
}
