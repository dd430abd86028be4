import type { Queryable } from '../../db/pool.ts'
import { parseExact } from '../../lib/money.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import { type CreditUse, creditToGiveBack, creditUse } from './credit-use.ts'
import { insertCreditMove, lockCreditBalance, readCreditBalance, readGivenBack } from './store.ts'

/** In the transaction that issues the invoice. */
export async function applyCredit(
  db: Queryable,
  tenantNo: number,
  invoiceId: string,
  total: string,
): Promise<CreditUse> {
  const use = creditUse(await lockCreditBalance(db, tenantNo), total)
  const move = { invoice_id: invoiceId, document_id: invoiceId }
  if (parseExact(total).isNegative()) {
    const amount = parseExact(total).neg().toFixed()
    await insertCreditMove(db, tenantNo, { ...move, kind: 'left_over', amount })
  } else if (use.applied.gt(0)) {
    const amount = use.applied.neg().toFixed()
    await insertCreditMove(db, tenantNo, { ...move, kind: 'applied', amount })
  }
  return use
}

/** What an invoice that were issued now would do. */
export async function creditNow(
  db: Queryable,
  tenantNo: number,
  total: string,
): Promise<CreditUse> {
  return creditUse(await readCreditBalance(db, tenantNo), total)
}

/**
 * In the transaction that holds the invoice and makes it void, or adds a credit note.
 * @param invoice as it is then
 * @param documentId by which it asks for less: the invoice itself, or the credit note
 */
export async function giveCreditBack(
  db: Queryable,
  invoice: Pick<InvoiceRow, 'tenant_no' | 'invoice_id' | 'total' | 'credited' | 'credit_applied'>,
  documentId: string,
): Promise<void> {
  const { tenant_no, invoice_id } = invoice
  if (parseExact(invoice.credit_applied).isZero()) return
  const due = creditToGiveBack({ ...invoice, isVoid: documentId === invoice_id })
  const more = due.sub(parseExact(await readGivenBack(db, tenant_no, invoice_id)))
  if (more.lte(0)) return
  const amount = more.toFixed()
  const move = { kind: 'given_back' as const, invoice_id, document_id: documentId, amount }
  await insertCreditMove(db, tenant_no, move)
}
