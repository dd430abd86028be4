import { parseExact } from '../../lib/money.ts'
import type { CreditNote } from '@tollgate/contract'
import { creditByHand } from '../credit-notes/credit-by-hand.ts'
import { creditOf } from '../credit-notes/credit-of.ts'
import type { CreditNoteRow } from '../credit-notes/store.ts'
import type { Adjustment } from '../invoices/adjustments.ts'
import { correctionsOf, periodsAskedBy } from '../invoices/corrections.ts'
import { draftInvoice } from '../invoices/draft.ts'
import { type IssuedInvoice, invoiceIdOf, taxesOf } from '../invoices/invoice-json.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { AskedDocument, Basis } from '../invoices/types.ts'
import { ratePeriodOf } from '../invoices/work-out.ts'
import { measurePeriod } from '../usage/measure.ts'
import { compareDocuments } from './compare.ts'
import type { StepRow } from './store.ts'
import type { Differ } from './types.ts'
import type { Agreed } from './verify-usage.ts'

/** What was issued of a tenant, by id. */
export type Issued = {
  readonly invoices: ReadonlyMap<string, InvoiceRow>
  readonly notes: ReadonlyMap<string, CreditNoteRow>
}
type Asked = AskedDocument & { isVoid: boolean; creditedByHand: string }

const NO_BASIS: Basis = { billed: [], discounts: [], minimumCommitment: null }

/** Does everything again in the order in which it was done, and issues what was issued. */
export class Replay {
  /** All that was asked until now, as it was, and what became of it until now. */
  private readonly asked = new Map<string, Asked>()
  /** By period, up to which line what came late is settled. */
  private readonly settled = new Map<number, number>()
  /** Periods of invoices that people credited or made void since the last one was issued. */
  private readonly touched = new Set<number>()
  /** Documents that were not worked out again, since lines that they are about are gone. */
  past = 0
  private readonly tenantNo: number
  private readonly agreed: Agreed
  private readonly touches: ReadonlyMap<number, number[]>
  private readonly issued: Issued
  private readonly differ: Differ

  constructor(
    tenantNo: number,
    agreed: Agreed,
    touches: ReadonlyMap<number, number[]>,
    issued: Issued,
    differ: Differ,
  ) {
    this.tenantNo = tenantNo
    this.agreed = agreed
    this.touches = touches
    this.issued = issued
    this.differ = differ
  }

  async all(steps: readonly StepRow[]): Promise<void> {
    const { invoices, notes } = this.issued
    for (const { kind, documentId } of steps) {
      if (kind === 'void') this.makeVoid(documentId)
      else if (kind === 'invoice') {
        const row = invoices.get(documentId)
        if (row !== undefined) await this.invoice(row)
      } else {
        const row = notes.get(documentId)
        if (row !== undefined) await this.note(row)
      }
    }
  }

  private makeVoid(invoiceId: string): void {
    const invoice = this.asked.get(invoiceId)
    const number = this.issued.invoices.get(invoiceId)?.number ?? invoiceId
    if (invoice === undefined) this.differ(number, 'was made void before it was issued')
    else {
      invoice.isVoid = true
      this.touch(invoice)
    }
  }

  private touch(invoice: Asked): void {
    for (const start of periodsAskedBy(invoice)) this.touched.add(start)
  }

  private async invoice(row: InvoiceRow): Promise<void> {
    const { number, currency, document } = row
    const issued = document.issued as IssuedInvoice
    const own = this.agreed.spans.filter(({ period }) => period.start === row.period_start)
    const last = own.at(-1)
    if (last === undefined) return this.differ(number, 'is of a period that the tenant never had')
    const through = Number(row.through_seq)
    if (this.isAboutPast(row, through)) return this.takeAsItIs(row)
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
      adjustments: await this.corrections(row, through),
      discounts,
      profile: { taxRate, minimumCommitment },
    })
    const { lines, totals, plan, basis } = draft
    const id = invoiceIdOf(this.tenantNo, row.period_start)
    const ofRow = { row_id: row.invoice_id, row_number: number, row_total: row.total }
    compareDocuments(
      {
        ...{ ...issued, taxes: taxesOf(issued), ...ofRow, row_end: row.period_end },
        basis: document.basis,
      },
      {
        ...{ ...issued, ...totals, plan, lines, invoice_id: id },
        ...{ row_id: id, row_number: issued.number, row_total: totals.total },
        ...{ row_end: last.period.end, basis },
      },
      (what) => this.differ(number, what),
    )
    this.remember(row)
  }

  /** What was asked is known, though it cannot be worked out again. */
  private takeAsItIs(row: InvoiceRow): void {
    this.past += 1
    for (const start of this.dueBefore(row.period_start, Number(row.through_seq))) {
      this.settled.set(start, Number(row.through_seq))
    }
    this.remember(row)
  }

  private remember(row: InvoiceRow): void {
    const { period_start: periodStart, document } = row
    this.settled.set(periodStart, Number(row.through_seq))
    this.touched.clear()
    const id = invoiceIdOf(this.tenantNo, periodStart)
    const { tax_rate: taxRate } = document.issued as IssuedInvoice
    const rest = { isVoid: false, taxRate, creditedByHand: '0' }
    this.asked.set(id, { id, basis: document.basis, periodStart, ...rest })
  }

  /** Whether a period whose lines are gone is on it: its own, or one that it corrects. */
  private isAboutPast({ period_start, document }: InvoiceRow, through: number): boolean {
    const of = [period_start, ...document.basis.billed.map(({ periodStart }) => periodStart)]
    const due = this.dueBefore(period_start, through)
    return [...of, ...due].some((start) => start < this.agreed.keptFrom)
  }

  /** Of all earlier periods that something was due of when an invoice was issued. */
  private async corrections(row: InvoiceRow, through: number): Promise<Adjustment[]> {
    const adjustments: Adjustment[] = []
    for (const start of this.dueBefore(row.period_start, through)) {
      adjustments.push(...(await this.correction(start, through, row.currency)))
    }
    if (row.document.no !== undefined) return adjustments
    // Issued when corrections were taxed like what they stand on.
    return adjustments.map(({ taxRate: _, ...adjustment }) => adjustment)
  }

  private async note(row: CreditNoteRow): Promise<void> {
    const { number } = row
    const invoice = this.issued.invoices.get(row.invoice_id)
    const asked = this.asked.get(row.invoice_id)
    if (invoice === undefined || asked === undefined) {
      return this.differ(number, 'credits an invoice that was not issued')
    }
    if (asked.isVoid) this.differ(number, 'credits an invoice that was void')
    if (row.through_seq === null) return this.noteByHand(row, invoice, asked)
    const through = Number(row.through_seq)
    const isPast = invoice.period_start < this.agreed.keptFrom
    if (isPast) {
      this.past += 1
      this.settled.set(invoice.period_start, through)
      this.touched.delete(invoice.period_start)
      return this.rememberNote(row)
    }
    const adjustments = await this.correction(invoice.period_start, through, invoice.currency)
    this.touched.delete(invoice.period_start)
    const credit = creditOf(adjustments, invoice)
    if (credit === null) this.differ(number, 'credits what is nothing to be credited')
    else {
      const billed = adjustments.map(({ difference }) => difference)
      this.compareNote(row, credit, { ...NO_BASIS, billed })
    }
    this.rememberNote(row)
  }

  private rememberNote({ credit_note_id: id, document }: CreditNoteRow): void {
    const nothing = { isVoid: false, periodStart: null, taxRate: null, creditedByHand: '0' }
    this.asked.set(id, { id, basis: document.basis ?? NO_BASIS, ...nothing })
  }

  private noteByHand(row: CreditNoteRow, invoice: InvoiceRow, asked: Asked): void {
    const { reason, subtotal } = row.document.issued as CreditNote
    const before = [...this.issued.notes.values()]
      .filter(({ invoice_id, credit_note_id: id }) => {
        return invoice_id === row.invoice_id && id < row.credit_note_id
      })
      .flatMap(({ document }) => taxesOf(document.issued as CreditNote))
    this.compareNote(row, creditByHand(invoice, { total: row.total, reason }, before), null)
    asked.creditedByHand = parseExact(asked.creditedByHand).add(parseExact(subtotal)).toFixed()
    this.touch(asked)
  }

  private compareNote(row: CreditNoteRow, credit: object & { total: string }, basis: Basis | null) {
    const issued = row.document.issued as CreditNote
    const is = { ...issued, taxes: taxesOf(issued), basis: row.document.basis }
    const lines = (credit as CreditNote).lines
    compareDocuments(
      { ...is, row_number: row.number, row_total: row.total },
      { ...issued, ...credit, lines, basis, row_number: issued.number, row_total: credit.total },
      (what) => this.differ(row.number, what),
    )
  }

  private dueBefore(periodStart: number, through: number): number[] {
    const late = [...this.touches].flatMap(([start, seqs]) => {
      const settled = this.settled.get(start) ?? 0
      return seqs.some((seq) => seq > settled && seq <= through) ? [start] : []
    })
    return [...new Set([...late, ...this.touched])]
      .filter((start) => start < periodStart)
      .sort((a, b) => a - b)
  }

  private async correction(periodStart: number, through: number, currency: string) {
    const lines = await this.rated(periodStart, through, currency)
    this.settled.set(periodStart, through)
    return correctionsOf([...this.asked.values()], periodStart, lines, currency)
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
