import type { invoiceStatusBody } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import type { Catalog } from '../../catalog/catalog.ts'
import { inTransaction } from '../../db/pool.ts'
import { accountAt } from '../../ledger/readings.ts'
import type { Actor } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { ProblemError } from '../../lib/problem-error.ts'
import type { AppendAudit } from '../../db/append-audit.ts'
import { holdPosition } from '../usage/store.ts'
import { tenantOfInvoice } from './invoice-json.ts'
import { settleInvoice } from './settle.ts'
import { type InvoiceRow, lockInvoice, readInvoice } from './store.ts'

export type StatusDependencies = {
  pool: pg.Pool
  catalog: Catalog
  clock: Clock
  appendAudit: AppendAudit
}
type Wanted = z.infer<typeof invoiceStatusBody>

/** What was paid is paid, and what is void asks for nothing: neither becomes anything else. */
const MAY_COME_FROM: Record<Wanted['status'], readonly InvoiceRow['status'][]> = {
  paid: ['open', 'uncollectible'],
  uncollectible: ['open'],
  void: ['open', 'uncollectible'],
}

/**
 * What people make of an issued invoice. The same again changes nothing.
 * @throws ProblemError not_found, invoice_status_conflict
 */
export async function changeInvoiceStatus(
  deps: StatusDependencies,
  actor: Actor,
  invoiceId: string,
  { status, reason }: Wanted,
): Promise<InvoiceRow> {
  const tenantNo = tenantOfInvoice(invoiceId)
  if (tenantNo === null) throw new ProblemError('not_found')
  return inTransaction(deps.pool, async (db) => {
    // Corrections go by what is void, so it stays as it is while they are worked out.
    if (status === 'void') await holdPosition(db, tenantNo)
    const invoice = await lockInvoice(db, tenantNo, invoiceId)
    if (invoice === null) throw new ProblemError('not_found')
    if (invoice.status === status) return invoice
    if (!MAY_COME_FROM[status].includes(invoice.status)) throw conflict(invoice, status)
    const { now } = await accountAt(db, deps.catalog, tenantNo, deps.clock.now())
    await settleInvoice(db, invoice, status, now)
    const after = await readInvoice(db, tenantNo, invoiceId)
    await deps.appendAudit(db, actor, {
      tenantNo,
      action: 'invoice.status_changed',
      object: { kind: 'invoice', id: invoiceId },
      before: { status: invoice.status },
      after: { status, ...(reason === undefined ? {} : { reason }) },
      recordedAt: deps.clock.now(),
    })
    return after!
  })
}

function conflict({ number, status }: InvoiceRow, wanted: string): ProblemError {
  const detail = `${number} is ${status}, so it cannot become ${wanted}. What was paid is given back by a credit note.`
  return new ProblemError('invoice_status_conflict', { detail })
}
