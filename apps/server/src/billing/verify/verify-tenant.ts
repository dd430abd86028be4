import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import { NOTHING, parseExact } from '../../lib/money.ts'
import { type CreditNoteRow, readCreditNotes } from '../credit-notes/store.ts'
import { type InvoiceRow, readInvoices } from '../invoices/store.ts'
import { loadTerms } from '../usage/fold.ts'
import { lasting, timelineOf } from '../usage/timeline.ts'
import { compareSteps } from './compare-steps.ts'
import { lateTouches } from './late-touches.ts'
import { Replay } from './replay.ts'
import { readPosition, readSettledByNothing, readSteps } from './store.ts'
import type { Differ } from './types.ts'
import { verifyCredit } from './verify-credit.ts'
import { type Agreed, periodName, verifyUsage } from './verify-usage.ts'

/** Everything that was measured of a tenant and asked of it. @returns how many documents there are */
export async function verifyTenant(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  differ: Differ,
): Promise<{ invoices: number; creditNotes: number; past: number }> {
  const invoices = (await readInvoices(db, tenantNo, null, ALL)).reverse()
  const notes = (await readCreditNotes(db, tenantNo, null, ALL)).reverse()
  const counted = { invoices: invoices.length, creditNotes: notes.length, past: 0 }
  const position = await readPosition(db, tenantNo)
  if (position === null) {
    if (invoices.length > 0) differ(null, 'there are invoices, but nothing was folded')
    return counted
  }
  const log = logOf(db, tenantNo)
  const length = await log.length()
  if (position.foldedSeq > length) {
    differ(null, `is folded up to line ${position.foldedSeq}, the log ends at ${length}`)
  }
  const cut = await log.cut()
  const [last] = await log.lines([length])
  const spans = timelineOf(
    await log.changes(),
    Math.max(
      position.openFrom,
      last?.recordedAt ?? cut?.account.lastAt ?? 0,
      ...invoices.map(({ period_end }) => period_end),
    ),
  )
  const keptFrom = cut?.keptFrom ?? -Infinity
  const agreed = { log, spans, termsOf: await loadTerms(catalog, spans), keptFrom }
  await verifyUsage(db, tenantNo, agreed, position.foldedSeq, differ)
  for (const seq of await readSettledByNothing(db, tenantNo)) {
    differ(null, `line ${seq} came late and is settled by a document that is not there`)
  }
  comparePeriods(agreed, position.openFrom, invoices, differ)
  compareCredited(invoices, notes, differ)
  await verifyCredit(db, tenantNo, invoices, differ)
  const issued = {
    invoices: new Map(invoices.map((invoice) => [invoice.invoice_id, invoice])),
    notes: new Map(notes.map((note) => [note.credit_note_id, note])),
  }
  const steps = await readSteps(db, tenantNo)
  compareSteps(steps, position.steps, issued, differ)
  const replay = new Replay(tenantNo, agreed, await lateTouches(agreed), issued, differ)
  await replay.all(steps)
  return { ...counted, past: replay.past }
}

/** Of one tenant: a document for each month is not much. */
const ALL = 2_147_483_647

/** One invoice for each period that is closed, and none for one that is not. */
function comparePeriods(
  { spans }: Agreed,
  openFrom: number,
  invoices: readonly InvoiceRow[],
  differ: Differ,
): void {
  const byStart = new Map(invoices.map((invoice) => [invoice.period_start, invoice]))
  for (const { period } of lasting(spans).filter(({ state }) => state !== 'canceled')) {
    if (period.start < openFrom && !byStart.has(period.start)) {
      differ(periodName(period.start), 'is closed, and has no invoice')
      byStart.set(period.start, invoices[0]!)
    }
  }
  for (const { number, period_start } of invoices) {
    if (period_start >= openFrom) differ(number, 'is of a period that is not closed')
  }
}

function compareCredited(
  invoices: readonly InvoiceRow[],
  notes: readonly CreditNoteRow[],
  differ: Differ,
): void {
  for (const { invoice_id, number, credited } of invoices) {
    const sum = notes
      .filter((note) => note.invoice_id === invoice_id)
      .reduce((before, { total }) => before.add(parseExact(total)), NOTHING)
    if (!sum.eq(parseExact(credited))) {
      differ(number, `credited is ${credited}, its credit notes come to ${sum.toFixed()}`)
    }
  }
}
