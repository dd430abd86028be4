import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import {
  type Act,
  type BillingHistory,
  billingHistories,
  type DrawnChange,
} from '../../test/billing-histories.ts'
import { BillingModel } from '../../test/billing-model.ts'
import { billingRoom, rowsOf } from '../../test/billing-room.ts'
import { testDatabase } from '../../test/database.ts'
import { keyOf } from '../../test/ledger-room.ts'
import { handClock } from '../../test/node.ts'
import type { Order } from '../ledger/command-of.ts'
import type { AccountChange, Entry } from '../ledger/types.ts'
import { voidedCall } from '../ledger/void-verb.ts'
import { type Decimal, NOTHING, parseExact } from '../lib/money.ts'
import { closePeriods } from './invoices/close-periods.ts'
import { type IssuedInvoice, invoiceIdOf } from './invoices/invoice-json.ts'
import { readBilled, readInvoice } from './invoices/store.ts'
import type { Draft } from './invoices/types.ts'
import { upcomingInvoice } from './invoices/upcoming.ts'
import { foldUsage } from './usage/fold.ts'
import { verifyTenant } from './verify/verify-tenant.ts'

const DAY_MS = 86_400_000
const RUNS = 120
const database = await testDatabase()
const clock = handClock('2024-01-01T00:00:00Z')
const room = await billingRoom(database, clock)
const { pool, catalog, ledger } = room
after(async () => {
  await room.close()
  await database.drop()
})

let keys = 0

/** A history as it goes on in the program, and the model that hears of it. */
class Run {
  readonly tenantNo: number
  readonly model: BillingModel
  private readonly calls: Entry[] = []
  private readonly voided = new Set<number>()

  constructor(tenantNo: number, model: BillingModel) {
    this.tenantNo = tenantNo
    this.model = model
  }

  static async begin({ plan, timeZone, startsAt }: BillingHistory): Promise<Run> {
    clock.set(startsAt)
    const tenantNo = await room.tenant(plan, { timeZone })
    const { planVersionNo, trialDays } = catalog.latestPlan(plan)!
    const trialEnd = trialDays === 0 ? null : startsAt + trialDays * DAY_MS
    const termsOf = (version: number) => catalog.planVersion(version)!
    return new Run(
      tenantNo,
      new BillingModel({ at: startsAt, planVersionNo, timeZone, trialEnd }, termsOf),
    )
  }

  async act(act: Act): Promise<void> {
    switch (act.kind) {
      case 'call': {
        const occurredAt = act.agoMs === null ? null : clock.now() - act.agoMs
        const selfReported = act.own && occurredAt !== null
        const call = { ...act.call, occurredAt, selfReported }
        const entry = await this.submit({ kind: 'call', call })
        if (entry === null || entry.reason !== null) return
        this.calls.push(entry)
        const { seq, recordedAt: at, counted } = entry
        this.model.lines.push({ kind: 'call', seq, at, call, counted })
        return
      }
      case 'void':
        return this.voidOne(act.which)
      case 'change':
        return this.change(act.change)
      case 'fold': {
        const fold = () => foldUsage(room, this.tenantNo, clock.now(), act.linesMax)
        await Promise.all(act.twice ? [fold(), fold()] : [fold()])
        return
      }
      case 'close':
        await closePeriods(room, this.tenantNo)
    }
  }

  private async voidOne(which: number): Promise<void> {
    const open = this.calls.filter(({ seq }) => !this.voided.has(seq))
    const target = open[open.length - 1 - (which % Math.max(1, open.length))]
    if (target === undefined) return
    const voided = voidedCall({ ...target, senderNo: null })
    const entry = await this.submit({ kind: 'void', voided, reason: 'was wrong' })
    if (entry === null) return
    this.voided.add(target.seq)
    const { seq, recordedAt: at } = entry
    this.model.lines.push({ kind: 'void', seq, at, voidedSeq: target.seq })
  }

  private async change(drawn: DrawnChange): Promise<void> {
    const change = changeOf(drawn)
    const entry = await this.submit({ kind: 'change', change })
    if (entry === null) return
    this.model.lines.push({ kind: 'change', seq: entry.seq, at: entry.recordedAt, change })
  }

  private async submit(order: Order): Promise<Entry | null> {
    keys += 1
    const receipt = await ledger.submit(this.tenantNo, null, order, keyOf(`law ${keys}`))
    return receipt.refusal === null ? receipt.entry : null
  }
}

function changeOf(drawn: DrawnChange): AccountChange {
  const versionOf = (plan: string) => catalog.latestPlan(plan)!.planVersionNo
  if ('plan' in drawn) return { planVersionNo: versionOf(drawn.plan), subscription: 'active' }
  if ('trialEndsInMs' in drawn) return { trialEnd: clock.now() + drawn.trialEndsInMs }
  if (!('pending' in drawn)) return drawn
  if (drawn.pending === 'none') return { pending: null }
  const planVersionNo = drawn.pending === 'end' ? null : versionOf(drawn.pending)
  return { pending: { planVersionNo } }
}

async function walk(history: BillingHistory): Promise<Run> {
  const run = await Run.begin(history)
  for (const { waitMs, act } of history.steps) {
    clock.advance(waitMs)
    await run.act(act)
  }
  return run
}

async function billedUsage(tenantNo: number): Promise<Map<string, string>> {
  const rows = await rowsOf<Record<string, string>>(
    pool,
    'SELECT *, quantity::text AS quantity FROM billed_usage WHERE tenant_no = $1',
    tenantNo,
  )
  return new Map(
    rows.map((row) => [
      JSON.stringify([
        row.period_start,
        row.plan_version_no,
        row.trial,
        row.meter,
        row.region,
        row.feature,
      ]),
      parseExact(row.quantity!).toFixed(),
    ]),
  )
}

/** What somebody sees of an invoice before it is issued. */
function shown({ lines, totals, plan }: Pick<Draft, 'lines' | 'totals' | 'plan'>) {
  const { subtotal, tax, total } = totals
  return { lines, subtotal, tax, total, plan }
}

/** The invoice of the period of a draft; where there is none, as the draft was if it asked for nothing. */
async function issuedAs(tenantNo: number, draft: Draft) {
  const row = await readInvoice(pool, tenantNo, invoiceIdOf(tenantNo, draft.period.start))
  if (row === null) {
    assert.deepEqual(draft.lines, [])
    return shown(draft)
  }
  const { lines, subtotal, tax, total, plan } = row.document.issued as IssuedInvoice
  // Also in its text: what was issued holds no amount as a number.
  for (const line of lines)
    assert.ok([line.amount, total].every((each) => typeof each === 'string'))
  const sum = lines.reduce((before, { amount }) => before.add(parseExact(amount)), NOTHING)
  assert.equal(sum.toFixed(2), subtotal)
  return { lines, subtotal, tax, total, plan }
}

/** By `tollgate verify --invoices`. */
async function differences(tenantNo: number): Promise<string[]> {
  const found: string[] = []
  await verifyTenant(pool, catalog, tenantNo, (of, what) => found.push(`${of}: ${what}`))
  return found
}

const sorted = (map: ReadonlyMap<unknown, unknown>) =>
  Object.fromEntries([...map].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)))

test('what is folded, in pages of any size, by two at once and begun again anywhere, is what the log says', async () => {
  await fc.assert(
    fc.asyncProperty(billingHistories, async (history) => {
      const { tenantNo, model } = await walk(history)
      await foldUsage(room, tenantNo, clock.now(), 3)
      assert.deepEqual(sorted(await billedUsage(tenantNo)), sorted(model.usage()))
    }),
    { numRuns: RUNS },
  )
})

test('the invoices of a period and its corrections come to what it costs with everything known, what was shown before is what is issued, and verify agrees', async () => {
  await fc.assert(
    fc.asyncProperty(billingHistories, async (history) => {
      const { tenantNo, model } = await walk(history)
      await closePeriods(room, tenantNo)
      const { draft } = await upcomingInvoice(room, tenantNo)
      clock.set(draft.period.end + 2 * 3_600_000)
      await closePeriods(room, tenantNo)
      assert.deepEqual(await issuedAs(tenantNo, draft), shown(draft))
      const asked = new Map<string, Decimal>()
      const add = (start: number, version: number, amount: Decimal) => {
        const key = `${new Date(start).toISOString()} ${version}`
        asked.set(key, (asked.get(key) ?? NOTHING).add(amount))
      }
      for (const { basis } of await readBilled(pool, tenantNo)) {
        for (const { periodStart, key, amount } of basis.billed) {
          add(periodStart, (JSON.parse(key) as [number])[0], parseExact(amount))
        }
      }
      const should = new Map<string, string>()
      for (const { start, end } of model.periods(clock.now())) {
        if (end > draft.period.end) continue
        for (const [version, amount] of model.bill(start, clock.now())) {
          if (!amount.isZero())
            should.set(`${new Date(start).toISOString()} ${version}`, amount.toFixed(2))
        }
      }
      const is = new Map(
        [...asked]
          .filter(([, amount]) => !amount.isZero())
          .map(([key, amount]) => [key, amount.toFixed(2)]),
      )
      assert.deepEqual(sorted(is), sorted(should))
      assert.deepEqual(await differences(tenantNo), [])
    }),
    { numRuns: RUNS },
  )
})

/** All that a tenant's bills say, but for what names the tenant. */
async function billsOf({ tenantNo }: Run) {
  await closePeriods(room, tenantNo)
  const { draft } = await upcomingInvoice(room, tenantNo)
  const invoices = await rowsOf<{ document: { issued: IssuedInvoice } }>(
    pool,
    'SELECT document FROM invoice WHERE tenant_no = $1 ORDER BY period_start',
    tenantNo,
  )
  const issued = invoices.map(({ document }) => {
    const { lines, subtotal, tax, total, period } = document.issued
    return { lines, subtotal, tax, total, period }
  })
  return { usage: sorted(await billedUsage(tenantNo)), issued, upcoming: shown(draft) }
}

test('what a tenant sends itself is billed alike whatever times it gives, or none', async () => {
  const withTimes = (history: BillingHistory, agoMs: (drawn: number | null) => number | null) => {
    const steps = history.steps.map(({ waitMs, act }) =>
      act.kind === 'call'
        ? { waitMs, act: { ...act, own: true, agoMs: agoMs(act.agoMs) } }
        : { waitMs, act },
    )
    return { ...history, steps }
  }
  await fc.assert(
    fc.asyncProperty(billingHistories, fc.boolean(), async (history, early) => {
      const given = withTimes(history, (agoMs) => (early ? 390 * DAY_MS : agoMs))
      const none = withTimes(history, () => null)
      assert.deepEqual(await billsOf(await walk(given)), await billsOf(await walk(none)))
    }),
    { numRuns: RUNS / 4 },
  )
})
