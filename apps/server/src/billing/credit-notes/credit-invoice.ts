import type { CreditNote, creditNoteBody, Party } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { isUniqueViolation } from '../../db/errors.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { formatMoney, parseExact } from '../../lib/money.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { AppendAudit } from '../../db/append-audit.ts'
import { tenantOfInvoice } from '../invoices/invoice-json.ts'
import { addCredited, type InvoiceRow, lockInvoice } from '../invoices/store.ts'
import { amountIn } from '../profile/amount-in.ts'
import { holdPosition } from '../usage/store.ts'
import { issueCreditNote } from './issue.ts'
import { creditByHand } from './credit-by-hand.ts'
import { readCreditNoteByKey, readCreditedByRate } from './store.ts'

export type CreditDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  seller: Party
  appendAudit: AppendAudit
}
type Wanted = z.infer<typeof creditNoteBody>

/**
 * Takes back a part of an invoice, or all that is left of it. Under a key that was used before the note
 * that it made is answered.
 * @throws ProblemError not_found, invalid_request, credit_exceeds_invoice, invoice_status_conflict for
 *   a void one, idempotency_conflict for a key that made another note
 */
export async function creditInvoice(
  deps: CreditDependencies,
  actor: Actor,
  invoiceId: string,
  wanted: Wanted,
): Promise<{ note: CreditNote; isNew: boolean }> {
  const tenantNo = tenantOfInvoice(invoiceId)
  if (tenantNo === null) throw new ProblemError('not_found')
  try {
    return await inTransaction(deps.pool, async (db) => {
      // Whoever credits the same invoice waits here, so what is looked at below stays so. So does
      // whoever works out corrections, which go by what is credited.
      await holdPosition(db, tenantNo)
      const invoice = await lockInvoice(db, tenantNo, invoiceId)
      if (invoice === null) throw new ProblemError('not_found')
      const before = await noteUnderKey(db, invoice, wanted)
      if (before !== null) return { note: before, isNew: false }
      return { note: await credit(db, deps, actor, { invoice, wanted }), isNew: true }
    })
  } catch (error) {
    // Of two invoices at the same moment.
    if (!isUniqueViolation(error, 'one_credit_note_for_each_key')) throw error
    throw new ProblemError('idempotency_conflict')
  }
}

async function noteUnderKey(
  db: Queryable,
  { tenant_no, invoice_id, currency }: InvoiceRow,
  { amount, reason, idempotency_key: key }: Wanted,
): Promise<CreditNote | null> {
  const row = key === undefined ? null : await readCreditNoteByKey(db, tenant_no, key)
  if (row === null) return null
  const note = row.document.issued as CreditNote
  const same =
    row.invoice_id === invoice_id &&
    parseExact(row.total).eq(amountIn(currency, amount, 'amount')) &&
    note.reason === reason
  if (!same) throw new ProblemError('idempotency_conflict')
  return note
}

async function credit(
  db: Queryable,
  { catalog, clock, seller, appendAudit }: CreditDependencies,
  actor: Actor,
  { invoice, wanted }: { invoice: InvoiceRow; wanted: Wanted },
): Promise<CreditNote> {
  const { tenant_no: tenantNo, invoice_id: invoiceId, currency } = invoice
  const total = formatMoney(amountIn(currency, wanted.amount, 'amount'), currency)
  if (invoice.status === 'void') {
    const detail = `${invoice.number} is void and asks for nothing.`
    throw new ProblemError('invoice_status_conflict', { detail })
  }
  if (!(await addCredited(db, tenantNo, invoiceId, total))) throw exceeds(invoice)
  const before = await readCreditedByRate(db, tenantNo, invoiceId)
  const amounts = creditByHand(invoice, { total, reason: wanted.reason }, before)
  const { now } = await accountAt(db, catalog, tenantNo, clock.now())
  const note = await issueCreditNote(db, invoice, {
    ...{ ...amounts, seller, now },
    reason: wanted.reason,
    throughSeq: null,
    basis: null,
    idempotencyKey: wanted.idempotency_key ?? null,
  })
  await appendAudit(db, actor, {
    tenantNo,
    action: 'credit_note.issued',
    object: { kind: 'credit_note', id: note.credit_note_id },
    after: { invoice_id: invoiceId, total, currency, reason: wanted.reason },
    recordedAt: clock.now(),
  })
  return note
}

function exceeds({ number, total, credited, currency }: InvoiceRow): ProblemError {
  const left = formatMoney(parseExact(total).sub(parseExact(credited)), currency)
  const detail = `Of ${number} at most ${left} ${currency} can be credited.`
  return new ProblemError('credit_exceeds_invoice', { detail })
}
