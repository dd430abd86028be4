import type { InvoiceLine } from '@tollgate/contract'
import type { Catalog } from '../../catalog/catalog.ts'
import type { Queryable } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import { NOTHING, parseExact } from '../../lib/money.ts'
import { creditOf } from '../credit-notes/settle-late.ts'
import { type CreditNoteRow, readCreditNotes } from '../credit-notes/store.ts'
import { type Adjustment, adjustmentsOf } from '../invoices/adjustments.ts'
import { draftInvoice } from '../invoices/draft.ts'
import { type IssuedInvoice, invoiceIdOf } from '../invoices/invoice-json.ts'
import { type InvoiceRow, readInvoices } from '../invoices/store.ts'
import type { Basis, Billed } from '../invoices/types.ts'
import { ratePeriodOf } from '../invoices/work-out.ts'
import { loadTerms } from '../usage/fold.ts'
import { measurePeriod } from '../usage/measure.ts'
import { lasting, timelineOf } from '../usage/timeline.ts'
import { compareDocuments } from './compare.ts'
import { lateTouches } from './late-touches.ts'
import { readPosition, readSettledByNothing } from './store.ts'
import type { Differ } from './types.ts'
import { type Agreed, periodName, verifyUsage } from './verify-usage.ts'

/** Everything that was measured of a tenant and asked of it. @returns how many documents there are */
export async function verifyTenant(
  db: Queryable,
  catalog: Catalog,
  tenantNo: number,
  differ: Differ,
): Promise<{ invoices: number; creditNotes: number }> {
  const invoices = (await readInvoices(db, tenantNo, null, ALL)).reverse()
  const notes = (await readCreditNotes(db, tenantNo, null, ALL)).reverse()
  const counted = { invoices: invoices.length, creditNotes: notes.length }
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
  const [last] = await log.lines([length])
  const spans = timelineOf(
    await log.changes(),
    Math.max(
      position.openFrom,
      last?.recordedAt ?? 0,
      ...invoices.map(({ period_end }) => period_end),
    ),
  )
  const agreed = { log, spans, termsOf: await loadTerms(catalog, spans) }
  await verifyUsage(db, tenantNo, agreed, position.foldedSeq, differ)
  for (const seq of await readSettledByNothing(db, tenantNo)) {
    differ(null, `line ${seq} came late and is settled by a document that is not there`)
  }
  comparePeriods(agreed, position.openFrom, invoices, differ)
  compareCredited(invoices, notes, differ)
  await new Replay(tenantNo, agreed, await lateTouches(agreed), differ).all(invoices, notes)
  return counted
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

/** Issues everything again in the order in which it was issued. */
class Replay {
  /** All that was asked until now, as it was. */
  private readonly billed: Billed[] = []
  /** By period, up to which line what came late is settled. */
  private readonly settled = new Map<number, number>()
  /** By what the bill of a period was closed. */
  private readonly closings = new Map<number, Basis>()
  private readonly tenantNo: number
  private readonly agreed: Agreed
  private readonly touches: ReadonlyMap<number, number[]>
  private readonly differ: Differ

  constructor(
    tenantNo: number,
    agreed: Agreed,
    touches: ReadonlyMap<number, number[]>,
    differ: Differ,
  ) {
    this.tenantNo = tenantNo
    this.agreed = agreed
    this.touches = touches
    this.differ = differ
  }

  async all(invoices: readonly InvoiceRow[], notes: readonly CreditNoteRow[]): Promise<void> {
    const late = notes.filter(({ through_seq }) => through_seq !== null)
    const byId = new Map(invoices.map((invoice) => [invoice.invoice_id, invoice]))
    for (const invoice of invoices) {
      while (late.length > 0 && late[0]!.through_seq! <= invoice.through_seq) {
        await this.note(late[0]!, byId.get(late.shift()!.invoice_id)!)
      }
      await this.invoice(invoice)
    }
    for (const note of late) await this.note(note, byId.get(note.invoice_id)!)
  }

  private async invoice(row: InvoiceRow): Promise<void> {
    const { number, currency, document } = row
    const issued = document.issued as IssuedInvoice
    const own = this.agreed.spans.filter(({ period }) => period.start === row.period_start)
    const last = own.at(-1)
    if (last === undefined) return this.differ(number, 'is of a period that the tenant never had')
    const through = Number(row.through_seq)
    const adjustments: Adjustment[] = []
    for (const start of this.lateBefore(row.period_start, through)) {
      adjustments.push(...(await this.adjustments(start, through, currency)))
    }
    const { tax_rate: taxRate } = issued
    const { discounts, minimumCommitment } = document.basis
    const draft = draftInvoice({
      tenantNo: this.tenantNo,
      period: last.period,
      timeZone: last.timeZone,
      plan: this.agreed.termsOf(last.planVersionNo).plan,
      currency,
      seller: issued.seller,
      customer: issued.customer,
      lines: await this.rated(row.period_start, through, currency),
      adjustments,
      discounts,
      profile: { taxRate, minimumCommitment },
    })
    const { lines, totals, plan, basis } = draft
    const id = invoiceIdOf(this.tenantNo, row.period_start)
    compareDocuments(
      {
        ...issued,
        row_id: row.invoice_id,
        row_number: number,
        row_total: row.total,
        row_end: row.period_end,
        basis: document.basis,
      },
      {
        ...issued,
        ...totals,
        plan,
        lines,
        invoice_id: id,
        row_id: id,
        row_number: issued.number,
        row_total: totals.total,
        row_end: last.period.end,
        basis,
      },
      (what) => this.differ(number, what),
    )
    this.settled.set(row.period_start, through)
    this.closings.set(row.period_start, document.basis)
    this.billed.push(...document.basis.billed)
  }

  private async note(row: CreditNoteRow, invoice: InvoiceRow): Promise<void> {
    const { number, document } = row
    const issued = document.issued as { lines: InvoiceLine[]; number: string }
    const through = Number(row.through_seq)
    const adjustments = await this.adjustments(invoice.period_start, through, invoice.currency)
    const credit = creditOf(adjustments, invoice)
    if (credit === null) return this.differ(number, 'credits what is nothing to be credited')
    compareDocuments(
      { ...issued, row_number: number, row_total: row.total },
      { ...issued, ...credit, row_number: issued.number, row_total: credit.total },
      (what) => this.differ(number, what),
    )
    this.billed.push(...(document.basis?.billed ?? []))
  }

  /** Earlier periods that lines came for which nothing made up for yet. */
  private lateBefore(periodStart: number, through: number): number[] {
    return [...this.touches]
      .filter(([start, seqs]) => {
        const settled = this.settled.get(start) ?? 0
        return start < periodStart && seqs.some((seq) => seq > settled && seq <= through)
      })
      .map(([start]) => start)
      .sort((a, b) => a - b)
  }

  private async adjustments(periodStart: number, through: number, currency: string) {
    const lines = await this.rated(periodStart, through, currency)
    this.settled.set(periodStart, through)
    const { discounts = [], minimumCommitment = null } = this.closings.get(periodStart) ?? {}
    const closing = { currency, discounts, minimumCommitment }
    return adjustmentsOf(periodStart, lines, this.billed, closing)
  }

  private async rated(periodStart: number, through: number, currency: string) {
    const { log, spans, termsOf } = this.agreed
    const tallied = await measurePeriod(log, spans, termsOf, periodStart, through)
    return ratePeriodOf(
      this.agreed,
      tallied.map(({ usage }) => usage),
      periodStart,
      currency,
    )
  }
}
