import type { Party } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import { addJob } from '../../db/jobs.ts'
import { inTransaction, type Queryable } from '../../db/pool.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { logOf } from '../../ledger/log.ts'
import { accountAt, hasLapsed } from '../../ledger/readings.ts'
import type { Clock } from '../../lib/clock.ts'
import { makeIdempotencyKey, storedKey } from '../../lib/idempotency.ts'
import { parseExact } from '../../lib/money.ts'
import type { Period } from '../../lib/periods.ts'
import { BILLING_DUE_DAYS, BILLING_GRACE_MINUTES, PAYMENT_ATTEMPTS_MAX } from '../../limits.ts'
import { issueLateNotes } from '../credit-notes/settle-late.ts'
import { applyCredit } from '../customer-credit/move-credit.ts'
import { readProfile, takeDiscounts } from '../profile/store.ts'
import { type Folded, foldPage } from '../usage/fold.ts'
import { lockPosition, movePosition, postpone } from '../usage/store.ts'
import { firstPeriodOf } from '../usage/timeline.ts'
import { type WorkedOut, workOutInvoice } from './work-out.ts'
import { invoiceIdOf, issuedJson } from './invoice-json.ts'
import { numberText, seriesOf } from './numbers.ts'
import { insertInvoice, settleLate, takeNumber, takeStep } from './store.ts'

export type ClosingDependencies = {
  pool: pg.Pool
  catalog: Catalog
  ledger: Ledger
  clock: Clock
  seller: Party
  /** Whether somebody is to be asked to collect what is issued. */
  collects: boolean
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/**
 * Issues what a tenant is to be billed by its own time: one invoice for each period that has ended, each
 * in a transaction of its own with everything that belongs to it. To be stopped anywhere and begun
 * again, also by two at once: they take turns at the tenant's position.
 * @returns the ids of what was issued
 */
export async function closePeriods(deps: ClosingDependencies, tenantNo: number): Promise<string[]> {
  await writeLapsed(deps, tenantNo)
  const issued: string[] = []
  for (;;) {
    const { id, more } = await inTransaction(deps.pool, (db) => closeNext(db, deps, tenantNo))
    if (id !== null) issued.push(id)
    if (!more) return issued
  }
}

/** So that a log tells of credits that came and went also where no call did. */
async function writeLapsed(
  { pool, catalog, ledger, clock }: ClosingDependencies,
  tenantNo: number,
) {
  if (!(await hasLapsed(pool, catalog, tenantNo, clock.now()))) return
  const key = { key: storedKey(makeIdempotencyKey()), fingerprint: 0 }
  await ledger.submit(tenantNo, null, { kind: 'lapse' }, key)
}

/** @returns the id of the invoice, if one was issued, and whether there may be more to do */
async function closeNext(
  db: Queryable,
  deps: ClosingDependencies,
  tenantNo: number,
): Promise<{ id: string | null; more: boolean }> {
  const { account, now } = await accountAt(db, deps.catalog, tenantNo, deps.clock.now())
  const folded = await foldPage(db, deps.catalog, tenantNo, now)
  if (folded.more) return { id: null, more: true }
  const onTestClock = account.testClock !== null
  const { openFrom } = folded.position
  const period = folded.spans.find((span) => span.period.start === openFrom)?.period
  // Somebody to whom it is later closed what had ended while this one waited for the position.
  if (period === undefined) return { id: null, more: false }
  if (now < closesAt(period, onTestClock)) {
    const dueAt = onTestClock ? null : closesAt(period, onTestClock)
    await movePosition(db, tenantNo, { openFrom, dueAt })
    return { id: null, more: false }
  }
  const isOver = (one: Period) => now >= closesAt(one, onTestClock)
  // Known already: the log is folded to the running period, so most need not be looked at again.
  const next = folded.spans.find((span) => span.period.start === period.end)?.period
  const last = next !== undefined && !isOver(next)
  const dueAt = last ? closesAt(next, onTestClock) : now
  await movePosition(db, tenantNo, { openFrom: period.end, dueAt: onTestClock ? null : dueAt })
  return { id: await issue(db, deps, folded, period, now), more: !last }
}

/** On a clock that stands still nothing comes late by itself, so there is nothing to wait for. */
function closesAt({ end }: Period, onTestClock: boolean): number {
  return onTestClock ? end : end + BILLING_GRACE_MINUTES * MINUTE_MS
}

/** @returns null where there is nothing to bill: no subscription, nothing used, nothing to make up for */
async function issue(
  db: Queryable,
  deps: ClosingDependencies,
  folded: Folded,
  period: Period,
  now: number,
): Promise<string | null> {
  const profile = await readProfile(db, folded.position.tenantNo)
  const worked = await workOutInvoice(db, folded, period, deps.seller, profile)
  await issueLateNotes(db, folded, worked.notes, { now, seller: deps.seller })
  const { draft, latePeriods, isSubscribed, hasTestClock, discountIds } = worked
  if (!isSubscribed && draft.lines.length === 0) return null
  const { tenantNo } = draft
  const invoiceId = invoiceIdOf(tenantNo, period.start)
  if (latePeriods.length > 0) await settleLate(db, tenantNo, [...latePeriods], invoiceId)
  const used = usedDiscounts(worked, discountIds)
  if (used.length > 0) await takeDiscounts(db, tenantNo, used)
  const credit = await applyCredit(db, tenantNo, invoiceId, draft.totals.total)
  const due = parseExact(draft.totals.total).sub(credit.applied)
  if (!hasTestClock) {
    // Closing what is left of ten thousand periods does not wait for the letters of those that are closed.
    await addJob(db, 'send_invoice', { tenant_no: tenantNo, invoice_id: invoiceId }, { bulk: true })
    if (deps.collects && due.gt(0)) {
      const job = { tenant_no: tenantNo, invoice_id: invoiceId }
      await addJob(db, 'request_payment', job, {
        maxAttempts: PAYMENT_ATTEMPTS_MAX,
        bulk: true,
      })
    }
  }
  const no = await takeStep(db, tenantNo, 'invoice', invoiceId)
  // Last, since whoever takes a number holds all others up until the end.
  const number = numberText(
    'INV',
    hasTestClock,
    await takeNumber(db, seriesOf('INV', hasTestClock)),
  )
  const dueAt = now + BILLING_DUE_DAYS * DAY_MS
  // Below zero as well: what is left over is for the next invoices.
  const nothingDue = due.lte(0)
  await insertInvoice(db, {
    tenant_no: tenantNo,
    invoice_id: invoiceId,
    number,
    period_start: period.start,
    period_end: period.end,
    issued_at: now,
    due_at: dueAt,
    currency: draft.currency,
    total: draft.totals.total,
    through_seq: BigInt(folded.position.foldedSeq),
    document: {
      issued: issuedJson(draft, credit, { invoiceId, number, issuedAt: now, dueAt }),
      basis: draft.basis,
      no,
    },
    status: nothingDue ? 'paid' : 'open',
    paid_at: nothingDue ? now : null,
    credit_applied: credit.applied.toFixed(),
  })
  return invoiceId
}

/** A discount that found nothing to take anything off is kept for the next invoice. */
function usedDiscounts({ draft }: WorkedOut, ids: readonly string[]): string[] {
  const charged = draft.lines.some(
    ({ kind, amount }) => kind === 'charge' && parseExact(amount).gt(0),
  )
  return charged ? [...ids] : []
}

/**
 * What could not be closed is tried again later, and does not hold up the others. Nobody may have come
 * as far as to make the tenant's position, and without one it would be its turn again at once.
 */
export async function putOff(
  { pool, clock }: Pick<ClosingDependencies, 'pool' | 'clock'>,
  tenantNo: number,
): Promise<void> {
  const changes = await logOf(pool, tenantNo).changes()
  await lockPosition(pool, tenantNo, firstPeriodOf(changes))
  await postpone(pool, tenantNo, clock.now() + 30 * MINUTE_MS)
}
