import type { CreditNote, Party } from '@tollgate/contract'
import { addJob } from '../../db/jobs.ts'
import type { Queryable } from '../../db/pool.ts'
import { entryId } from '../../lib/ids.ts'
import { parseExact } from '../../lib/money.ts'
import { giveCreditBack } from '../customer-credit/move-credit.ts'
import type { IssuedInvoice } from '../invoices/invoice-json.ts'
import { numberText, seriesOf } from '../invoices/numbers.ts'
import { type InvoiceRow, takeNumber, takeStep, writeStatus } from '../invoices/store.ts'
import { PAYMENT_ATTEMPTS_MAX } from '../../limits.ts'
import type { Basis } from '../invoices/types.ts'
import { insertCreditNote } from './store.ts'

export type NoteToIssue = Pick<
  CreditNote,
  'lines' | 'subtotal' | 'tax_rate' | 'tax' | 'taxes' | 'total' | 'reason'
> & {
  seller: Party
  now: number
  /** Of one that makes up for late lines: the log up to here; null: by hand. */
  throughSeq: number | null
  basis: Basis | null
  /** Of the request that asks for it; null: none. */
  idempotencyKey: string | null
}

/**
 * In the transaction that holds the tenant's position and the invoice, and has added the note's total to what it is credited.
 * An invoice that was credited in full asks for nothing more, and counts as paid.
 * @param invoice as it was before
 */
export async function issueCreditNote(
  db: Queryable,
  invoice: InvoiceRow,
  { seller, now, throughSeq, basis, idempotencyKey, ...note }: NoteToIssue,
): Promise<CreditNote> {
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
    taxes: note.taxes,
    total: note.total,
  }
  const step = await takeStep(db, invoice.tenant_no, 'credit_note', creditNoteId)
  await insertCreditNote(db, {
    tenant_no: invoice.tenant_no,
    credit_note_id: creditNoteId,
    number,
    invoice_id: invoice.invoice_id,
    issued_at: now,
    total: note.total,
    through_seq: throughSeq === null ? null : BigInt(throughSeq),
    document: { issued: document, basis, no: step },
    idempotency_key: idempotencyKey,
  })
  const credited = parseExact(invoice.credited).add(parseExact(note.total))
  const isOwed = invoice.status === 'open' || invoice.status === 'uncollectible'
  await giveCreditBack(db, { ...invoice, credited: credited.toFixed() }, creditNoteId)
  const settled = credited.add(parseExact(invoice.credit_applied))
  if (isOwed && settled.gte(parseExact(invoice.total))) {
    await writeStatus(db, invoice.tenant_no, invoice.invoice_id, { status: 'paid', paidAt: now })
  }
  // Who was asked for more than that is to ask for less.
  if (invoice.payment_amount !== null) {
    const job = { tenant_no: invoice.tenant_no, invoice_id: invoice.invoice_id }
    await addJob(db, 'credit_payment', job, { maxAttempts: PAYMENT_ATTEMPTS_MAX })
  }
  return document
}

/** Their numbers count by themselves, and their ids must not meet those of real ones. */
const TEST_NOTES_FROM = 2 ** 40
