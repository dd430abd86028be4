import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { InvoiceLine, TaxOfRate } from '@tollgate/contract'
import fc from 'fast-check'
import { billingRoom } from '../../../test/billing-room.ts'
import {
  CorrectionRun,
  cents,
  correctionHistories,
  halfEven,
  issuedOf,
  monthStart,
  type Note,
} from '../../../test/correction-run.ts'
import { testDatabase } from '../../../test/database.ts'
import { handClock } from '../../../test/node.ts'
import { creditInvoice } from '../credit-notes/credit-invoice.ts'
import { SYSTEM } from '../../lib/audit-entry.ts'
import { verifyTenant } from '../verify/verify-tenant.ts'
import { changeInvoiceStatus } from './change-status.ts'
import { closePeriods } from './close-periods.ts'
import type { InvoiceRow } from './store.ts'
import type { Billed } from './types.ts'
import { upcomingInvoice } from './upcoming.ts'

const RUNS = 25
const database = await testDatabase()
const clock = handClock('2024-01-01T00:00:00Z')
const room = await billingRoom(database, clock)
const other = await billingRoom(database, clock)
after(async () => {
  await Promise.all([room.close(), other.close()])
  await database.drop()
})

async function differences(tenantNo: number): Promise<string[]> {
  const found: string[] = []
  await verifyTenant(room.pool, room.catalog, tenantNo, (of, what) => found.push(`${of}: ${what}`))
  return found
}

const sum = (numbers: number[]) => numbers.reduce((all, one) => all + one, 0)
const askedFor = (billed: readonly Billed[], month: number) =>
  sum(
    billed
      .filter(({ periodStart }) => periodStart === monthStart(month))
      .map(({ amount }) => cents(amount)),
  )

/** What people credited of each month: of an invoice its own first, then those that it corrects. */
function creditedByMonth(run: CorrectionRun, invoices: InvoiceRow[], notes: Note[]): number[] {
  const credited = Array.from({ length: run.month }, () => 0)
  for (const invoice of invoices.filter(({ status }) => status !== 'void')) {
    const byHand = notes.filter((note) => {
      return note.invoiceId === invoice.invoice_id && note.basis === null
    })
    let left = sum(byHand.map(({ issued }) => cents(issued.subtotal)))
    const { billed } = invoice.document.basis
    const own = run.monthOf(invoice.period_start)
    const months = [...credited.keys()].filter((month) => month !== own)
    for (const month of [own, ...months]) {
      const share = Math.max(0, Math.min(left, askedFor(billed, month)))
      credited[month]! += share
      left -= share
    }
    credited[own]! += left
  }
  return credited
}

/** Once an invoice is issued, nothing is left to be corrected. */
async function assertSettled(run: CorrectionRun): Promise<void> {
  const [invoices, notes] = [await run.invoices(), await run.notes()]
  assert.equal(invoices.length, run.month)
  const standing = [
    ...invoices.filter(({ status }) => status !== 'void').map(({ document }) => document.basis),
    ...notes.flatMap(({ basis }) => basis ?? []),
  ].flatMap(({ billed }) => billed)
  const credited = creditedByMonth(run, invoices, notes)
  for (const [month, { status }] of invoices.entries()) {
    if (status === 'void') continue
    const asked = askedFor(standing, month)
    assert.equal(asked, Math.max(run.costs(month), credited[month]!), `month ${month}`)
    assert.ok(asked - credited[month]! >= 0)
  }
}

function assertSums(document: {
  lines: InvoiceLine[]
  subtotal: string
  tax: string
  total: string
  taxes?: TaxOfRate[]
}) {
  const { lines, subtotal, tax, total, taxes = [] } = document
  assert.equal(sum(lines.map(({ amount }) => cents(amount))), cents(subtotal))
  assert.equal(sum(taxes.map((one) => cents(one.subtotal))), cents(subtotal))
  assert.equal(sum(taxes.map((one) => cents(one.tax))), cents(tax))
  assert.equal(cents(subtotal) + cents(tax), cents(total))
  for (const { tax_rate, subtotal: net } of taxes) {
    const same = lines.filter((line) => line.tax_rate === tax_rate)
    assert.equal(sum(same.map(({ amount }) => cents(amount))), cents(net))
  }
}

/** Each line is taxed as the invoice of the period that it is about, and each rate once. */
async function assertTaxes(run: CorrectionRun): Promise<void> {
  const invoices = await run.invoices()
  const rateOf = new Map(invoices.map((row) => [row.period_start, issuedOf(row).tax_rate]))
  for (const invoice of invoices) {
    const issued = issuedOf(invoice)
    assertSums(issued)
    for (const { tax_rate, subtotal, tax } of issued.taxes!) {
      assert.equal(cents(tax), halfEven(cents(subtotal) * Number(tax_rate ?? '0'), 100))
    }
    const corrected = invoice.document.basis.billed.filter(({ periodStart }) => {
      return periodStart !== invoice.period_start
    })
    const corrections = issued.lines.filter(({ kind }) => kind === 'adjustment')
    assert.equal(corrections.length, corrected.length)
    for (const [index, { tax_rate }] of corrections.entries()) {
      const should = rateOf.get(corrected[index]!.periodStart)!
      const isSame = should === null ? tax_rate === null : Number(should) === Number(tax_rate)
      assert.ok(isSame, `${tax_rate} is not ${should}`)
    }
  }
  const notes = await run.notes()
  for (const { issued } of notes) assertSums(issued)
  for (const { invoice_id, total, credited, document } of invoices) {
    const own = notes.filter(({ invoiceId }) => invoiceId === invoice_id)
    assert.equal(sum(own.map(({ issued }) => cents(issued.total))), cents(credited))
    if (own.length === 0 || cents(credited) !== cents(total)) continue
    const { tax } = document.issued as { tax: string }
    assert.equal(sum(own.map(({ issued }) => cents(issued.tax))), cents(tax))
  }
}

test('however calls come late, and calls and invoices are voided, credited and taxed, in the end each period has asked for what it costs or what was credited of it, and verify agrees at every step', async () => {
  await fc.assert(
    fc.asyncProperty(correctionHistories, async ({ acts, ...history }) => {
      const run = await CorrectionRun.begin(room, clock, history)
      for (const act of [...acts, { kind: 'close' as const }]) {
        const shown = act.kind === 'close' ? await upcomingInvoice(room, run.tenantNo) : null
        await run.act(act)
        if (shown !== null) {
          const { lines, taxes, total } = issuedOf((await run.invoices()).at(-1)!)
          const { draft } = shown
          assert.deepEqual(
            { lines, taxes, total },
            { lines: draft.lines, taxes: draft.totals.taxes, total: draft.totals.total },
          )
          await assertSettled(run)
          await assertTaxes(run)
        }
        if (act.kind !== 'call' && act.kind !== 'profile') {
          assert.deepEqual(await differences(run.tenantNo), [])
        }
      }
    }),
    { numRuns: RUNS },
  )
})

test('whoever credits, makes void and closes at the same moment takes turns: nothing is lost, and verify agrees', async () => {
  for (let round = 0; round < 6; round += 1) {
    const run = await CorrectionRun.begin(room, clock)
    for (let month = 0; month < 3; month += 1) {
      await run.act({ kind: 'call', quantity: 25, monthsAgo: 2 })
      await run.act({ kind: 'close' })
    }
    const late = round % 2 === 0 ? 'credit_note' : 'next_invoice'
    await run.act({ kind: 'profile', taxRate: '19', lateUsage: late })
    await run.act({ kind: 'void', which: 2 })
    run.month += 1
    clock.set(monthStart(run.month) + 7_200_000)
    const credited = { amount: '5.00', reason: 'goodwill' }
    const both = [room, other]
    const credits = both.map((one) => {
      return creditInvoice({ ...run.deps(), ...one }, SYSTEM, run.invoiceId(0), credited)
    })
    const voids = both.map((one) => {
      const wanted = { status: 'void' as const }
      return changeInvoiceStatus({ ...run.deps(), ...one }, SYSTEM, run.invoiceId(2), wanted)
    })
    const closings = [...both, ...both].map((one) => closePeriods(one, run.tenantNo))
    await Promise.all([...closings, ...credits, ...voids])
    assert.deepEqual(await differences(run.tenantNo), [])
    await run.act({ kind: 'close' })
    await assertSettled(run)
    await assertTaxes(run)
    assert.deepEqual(await differences(run.tenantNo), [])
  }
})
