import type { CreditNote } from '@tollgate/contract'
import fc from 'fast-check'
import { appendAudit } from '../src/access/audit/append.ts'
import { creditInvoice } from '../src/billing/credit-notes/credit-invoice.ts'
import { changeInvoiceStatus } from '../src/billing/invoices/change-status.ts'
import { closePeriods } from '../src/billing/invoices/close-periods.ts'
import { type IssuedInvoice, invoiceIdOf } from '../src/billing/invoices/invoice-json.ts'
import { type InvoiceRow, readInvoices } from '../src/billing/invoices/store.ts'
import type { Basis } from '../src/billing/invoices/types.ts'
import { insertDiscount, readProfile, writeProfile } from '../src/billing/profile/store.ts'
import { voidedCall } from '../src/ledger/void-verb.ts'
import type { Entry } from '../src/ledger/types.ts'
import { SYSTEM } from '../src/lib/audit-entry.ts'
import { type BillingRoom, rowsOf } from './billing-room.ts'
import type { handClock } from './node.ts'
import { PLAIN_CALL, UNIT } from './ledger-accounts.ts'
import { keyOf, recorded } from './ledger-room.ts'

export type CorrectionAct =
  | { kind: 'call'; quantity: number; monthsAgo: number }
  | { kind: 'void'; which: number }
  | { kind: 'void_invoice' | 'pay'; which: number }
  | { kind: 'credit'; which: number; percent: number }
  | { kind: 'profile'; taxRate: string | null; lateUsage: 'next_invoice' | 'credit_note' }
  | { kind: 'close' }
export type CorrectionHistory = {
  commitment: string | null
  discounted: boolean
  acts: CorrectionAct[]
}

const which = fc.nat(5)
const act: fc.Arbitrary<CorrectionAct> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      quantity: fc.constantFrom(1, 5, 25, 500),
      monthsAgo: fc.nat(3),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('void' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void_invoice' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pay' as const), which }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('credit' as const),
      which,
      percent: fc.constantFrom(1, 33, 50, 100),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('profile' as const),
      taxRate: fc.constantFrom(null, '0', '7', '19', '19.00'),
      lateUsage: fc.constantFrom('next_invoice' as const, 'credit_note' as const),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
)

export const correctionHistories: fc.Arbitrary<CorrectionHistory> = fc.record({
  commitment: fc.constantFrom(null, null, '60'),
  discounted: fc.boolean(),
  acts: fc.array(act, { maxLength: 30, size: 'max' }),
})

export type Note = { id: string; invoiceId: string; issued: CreditNote; basis: Basis | null }

let keys = 0

/** A tenant on the plan `base` from January 2024 on, a month in UTC after the other, and what happened to it. */
export class CorrectionRun {
  readonly tenantNo: number
  /** Since January 2024. */
  month = 0
  private readonly room: BillingRoom
  private readonly clock: ReturnType<typeof handClock>
  private readonly history: Omit<CorrectionHistory, 'acts'>
  private readonly calls: { entry: Entry; month: number; quantity: number; voided: boolean }[] = []

  private constructor(
    room: BillingRoom,
    clock: ReturnType<typeof handClock>,
    tenantNo: number,
    history: Omit<CorrectionHistory, 'acts'>,
  ) {
    this.room = room
    this.clock = clock
    this.tenantNo = tenantNo
    this.history = history
  }

  static async begin(
    room: BillingRoom,
    clock: ReturnType<typeof handClock>,
    history: Omit<CorrectionHistory, 'acts'> = { commitment: null, discounted: false },
  ): Promise<CorrectionRun> {
    clock.set(monthStart(0))
    const tenantNo = await room.tenant('base')
    const { pool } = room
    const profile = await readProfile(pool, tenantNo)
    await writeProfile(pool, tenantNo, { ...profile, minimumCommitment: history.commitment })
    if (history.discounted) {
      const rest = { discount_id: 'd', description: 'Ten', periods_left: null, created_at: 0 }
      await insertDiscount(pool, tenantNo, { ...rest, kind: 'percentage', value: '10' })
    }
    return new CorrectionRun(room, clock, tenantNo, history)
  }

  async act(act: CorrectionAct): Promise<void> {
    this.clock.advance(60_000)
    switch (act.kind) {
      case 'call':
        return this.call(act.quantity, act.monthsAgo)
      case 'void':
        return this.voidCall(act.which)
      case 'void_invoice':
      case 'pay': {
        const open = (await this.invoices()).filter(({ status }) => status === 'open')
        const invoice = open[act.which % Math.max(1, open.length)]
        if (invoice === undefined) return
        const status = act.kind === 'pay' ? 'paid' : 'void'
        await changeInvoiceStatus(this.deps(), SYSTEM, invoice.invoice_id, { status })
        return
      }
      case 'credit':
        return this.credit(act.which, act.percent)
      case 'profile': {
        const { pool } = this.room
        const profile = await readProfile(pool, this.tenantNo)
        const { taxRate, lateUsage } = act
        return writeProfile(pool, this.tenantNo, { ...profile, taxRate, lateUsage })
      }
      case 'close':
        return this.close()
    }
  }

  /** The month ends, and its invoice is issued. */
  async close(): Promise<void> {
    this.month += 1
    this.clock.set(monthStart(this.month) + 2 * HOUR_MS)
    await closePeriods(this.room, this.tenantNo)
  }

  async invoices(): Promise<InvoiceRow[]> {
    return (await readInvoices(this.room.pool, this.tenantNo, null, 100)).reverse()
  }

  async notes(): Promise<Note[]> {
    return rowsOf<Note>(
      this.room.pool,
      `SELECT credit_note_id AS id, invoice_id AS "invoiceId", document -> 'issued' AS issued,
         document -> 'basis' AS basis FROM credit_note WHERE tenant_no = $1 ORDER BY 1`,
      this.tenantNo,
    )
  }

  /** What a month costs by what is known now, in cents, worked out by whole numbers. */
  costs(month: number): number {
    const units = this.calls
      .filter((call) => call.month === month && !call.voided)
      .reduce((sum, { quantity }) => sum + quantity, 0)
    // 49 a month, 0.10 for each call after three, 0.013 for each page.
    const charges = 4_900 + 10 * Math.max(0, units - 3) + halfEven(13 * units, 10)
    const least = Math.max(charges, Number(this.history.commitment ?? '0') * 100)
    return this.history.discounted ? least - halfEven(least, 10) : least
  }

  monthOf(periodStart: number): number {
    const date = new Date(periodStart)
    return (date.getUTCFullYear() - 2024) * 12 + date.getUTCMonth()
  }

  invoiceId(month: number): string {
    return invoiceIdOf(this.tenantNo, monthStart(month))
  }

  deps() {
    return { ...this.room, appendAudit }
  }

  private async call(quantity: number, monthsAgo: number): Promise<void> {
    const month = Math.max(0, this.month - monthsAgo)
    const occurredAt = month === this.month ? null : monthStart(month) + 9 * HOUR_MS
    const call = { ...PLAIN_CALL, quantity: BigInt(quantity) * UNIT, occurredAt }
    keys += 1
    const { ledger } = this.room
    const key = keyOf(`correction ${keys}`)
    const order = { kind: 'call' as const, call }
    const { entry } = await recorded(ledger.submit(this.tenantNo, null, order, key))
    this.calls.push({ entry, month, quantity, voided: false })
  }

  private async voidCall(which: number): Promise<void> {
    const open = this.calls.filter(({ voided }) => !voided)
    const call = open[open.length - 1 - (which % Math.max(1, open.length))]
    if (call === undefined) return
    const voided = voidedCall({ ...call.entry, senderNo: null })
    keys += 1
    const order = { kind: 'void' as const, voided, reason: 'was wrong' }
    await recorded(this.room.ledger.submit(this.tenantNo, null, order, keyOf(`correction ${keys}`)))
    call.voided = true
  }

  private async credit(which: number, percent: number): Promise<void> {
    const some = (await this.invoices()).filter(({ status, total, credited }) => {
      return status !== 'void' && cents(total) > cents(credited)
    })
    const invoice = some[which % Math.max(1, some.length)]
    if (invoice === undefined) return
    const left = cents(invoice.total) - cents(invoice.credited)
    const amount = (Math.max(1, Math.floor((left * percent) / 100)) / 100).toFixed(2)
    const wanted = { amount, reason: 'goodwill' }
    await creditInvoice(this.deps(), SYSTEM, invoice.invoice_id, wanted)
  }
}

const HOUR_MS = 3_600_000

export function monthStart(month: number): number {
  return Date.UTC(2024, month, 1)
}

export function issuedOf({ document }: InvoiceRow): IssuedInvoice {
  return document.issued as IssuedInvoice
}

export function cents(amount: string): number {
  const [whole = '', decimals = ''] = amount.replace('-', '').split('.')
  const value = Number(whole) * 100 + Number(decimals.padEnd(2, '0').slice(0, 2))
  return amount.startsWith('-') ? 0 - value : value
}

/** Of whole numbers. */
export function halfEven(dividend: number, divisor: number): number {
  const sign = dividend < 0 ? -1 : 1
  const all = Math.abs(dividend)
  const [whole, rest] = [Math.floor(all / divisor), all % divisor]
  const up = rest * 2 > divisor || (rest * 2 === divisor && whole % 2 === 1)
  return sign * (whole + (up ? 1 : 0)) || 0
}
