import type { CreditNote, Party } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import { entryId } from '../../lib/ids.ts'
import type { IssuedInvoice } from '../invoices/invoice-json.ts'
import { numberText, seriesOf } from '../invoices/numbers.ts'
import { type InvoiceRow, takeNumber } from '../invoices/store.ts'
import type { Basis } from '../invoices/types.ts'
import { insertCreditNote } from './store.ts'

export type NoteToIssue = Pick<
  CreditNote,
  'lines' | 'subtotal' | 'tax_rate' | 'tax' | 'total' | 'reason'
> & {
  seller: Party
  now: number
  /** Of one that makes up for late lines: the log up to here; null: by hand. */
  throughSeq: number | null
  basis: Basis | null
}

/** In the transaction that adds its total to what the invoice is credited. @returns its id */
export async function issueCreditNote(
  db: Queryable,
  invoice: InvoiceRow,
  { seller, now, throughSeq, basis, ...note }: NoteToIssue,
): Promise<string> {
  const issued = invoice.document.issued as IssuedInvoice
  const isTest = invoice.number.startsWith('TEST-')
  const no = await takeNumber(db, seriesOf('CN', isTest))
  const number = numberText('CN', isTest, no)
  const creditNoteId = entryId('crn', invoice.tenant_no, isTest ? TEST_NOTES_FROM + no : no)
  const document: CreditNote = {
    credit_note_id: creditNoteId,
    number,
    invoice_id: invoice.invoice_id,
    invoice_number: invoice.number,
    reason: note.reason,
    currency: invoice.currency,
    period: issued.period,
    issued_at: new Date(now).toISOString(),
    seller,
    customer: issued.customer,
    lines: note.lines,
    subtotal: note.subtotal,
    tax_rate: note.tax_rate,
    tax: note.tax,
    total: note.total,
  }
  await insertCreditNote(db, {
    tenant_no: invoice.tenant_no,
    credit_note_id: creditNoteId,
    number,
    invoice_id: invoice.invoice_id,
    issued_at: now,
    total: note.total,
    through_seq: throughSeq === null ? null : BigInt(throughSeq),
    document: { issued: document, basis },
  })
  return creditNoteId
}

/** Their numbers count by themselves, and their ids must not meet those of real ones. */
const TEST_NOTES_FROM = 2 ** 40
