import type { InvoiceLine, Party, SubscriptionPreview } from '@tollgate/contract'
import type pg from 'pg'
import type { Catalog } from '../../catalog/catalog.ts'
import type { PlanTerms } from '../../catalog/types.ts'
import { inSnapshot, type Queryable } from '../../db/pool.ts'
import { type ChangeAsIf, changeAsIf } from '../../ledger/change-as-if.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { logOf } from '../../ledger/log.ts'
import { accountAt, type AccountNow } from '../../ledger/readings.ts'
import { pendingTrialEnd } from '../../ledger/subscription.ts'
import type { Account } from '../../ledger/types.ts'
import type { Caller } from '../../lib/caller.ts'
import type { Clock } from '../../lib/clock.ts'
import { numberFromMicros } from '../../lib/micros.ts'
import { formatMoney, NOTHING, parseExact } from '../../lib/money.ts'
import type { Period } from '../../lib/periods.ts'
import { wireSecond } from '../../lib/wire-period.ts'
import { chargeLine } from '../invoices/draft.ts'
import { ratePeriodOf, type WorkedOut, workOutInvoice } from '../invoices/work-out.ts'
import { readProfile } from '../profile/store.ts'
import { foldUsage, loadTerms } from '../usage/fold.ts'
import { timelineOf } from '../usage/timeline.ts'
import { type Asked, wishOf } from './change-subscription.ts'
import { plannedChange } from './planned-change.ts'

export type PreviewDependencies = { pool: pg.Pool; catalog: Catalog; clock: Clock; seller: Party }

const FORMULA =
  'fee × ms that it is owed ÷ ms of the period. A line of the first part of a period is rounded ' +
  'half-even to the smallest unit of the currency; one of a later part is what is due until its end ' +
  'less what is due until its start, each so rounded, so that the parts add up to the fee. Included ' +
  'units, minimum and maximum go by the time that a plan is held.'

/**
 * What a change of plan would cost and bring, by the rules that would carry it out and write the
 * invoice. Changes nothing.
 * @throws ProblemError as the change itself would
 */
export async function previewSubscription(
  deps: PreviewDependencies,
  caller: Pick<Caller, 'tenant'>,
  tenantNo: number,
  asked: Extract<Asked, { kind: 'plan' }>,
): Promise<SubscriptionPreview> {
  const { pool, catalog, clock, seller } = deps
  const current = await accountAt(pool, catalog, tenantNo, clock.now())
  await foldUsage(deps, tenantNo, current.now)
  return inSnapshot(pool, async (db) => {
    const clockNow = clock.now()
    const now = await accountAt(db, catalog, tenantNo, clockNow)
    const wish = await wishOf(db, catalog, caller, now.account, asked)
    const change = plannedChange(now.account, wish, now.now)
    const asIf = change === null ? null : await changeAsIf(db, catalog, tenantNo, change, clockNow)
    const changes = await logOf(db, tenantNo).changes()
    const workOut = (lines: readonly StoredEntry[]) =>
      periodsOf(db, { catalog, seller, tenantNo, period: now.account.period }, lines)
    const before = await workOut(changes)
    const after = asIf === null ? before : await workOut([...changes, asIf.entry])
    const taken = wish.kind === 'plan' ? wish.terms : now.terms
    return previewOf({ asked, now, asIf, before, after, taken, catalog })
  })
}

type Periods = {
  running: WorkedOut
  next: { period: Period; plan: PlanTerms; fees: InvoiceLine[]; ends: boolean }
}

/** The running period and the fees of the one after it, as certain lines of the log have them. */
async function periodsOf(
  db: Queryable,
  about: { catalog: Catalog; seller: Party; tenantNo: number; period: Period },
  changes: readonly StoredEntry[],
): Promise<Periods> {
  const { catalog, seller, tenantNo, period } = about
  const spans = timelineOf(changes, period.end)
  const termsOf = await loadTerms(catalog, spans)
  const folded = { position: { tenantNo }, spans, termsOf }
  const profile = await readProfile(db, tenantNo)
  const running = await workOutInvoice(db, folded, period, seller, profile)
  const { currency } = running.draft
  const last = spans.at(-1)!
  const fees = ratePeriodOf(folded, [], last.period.start, currency)
    .filter(({ meter }) => meter === 'base')
    .map((line) => chargeLine(line, running.profile.taxRate))
  const plan = termsOf(last.planVersionNo)
  return { running, next: { period: last.period, plan, fees, ends: last.state !== 'active' } }
}

function previewOf(preview: {
  asked: Extract<Asked, { kind: 'plan' }>
  now: AccountNow
  asIf: ChangeAsIf | null
  before: Periods
  after: Periods
  taken: PlanTerms
  catalog: Catalog
}): SubscriptionPreview {
  const { asked, now, asIf, before, after, taken } = preview
  const { period } = now.account
  const effectiveAt = asked.when === 'now' ? now.now : period.end
  const { currency } = after.running.draft
  const account: Account = asIf?.account ?? now.account
  const trialEnd = account.trialEnd ?? pendingTrialEnd(account)
  const difference = differenceBetween(before, after, now.terms)
  const { next } = after
  return {
    plan: taken.plan,
    plan_version: taken.version,
    effective_at: instant(effectiveAt),
    currency,
    lines_now: [...before.running.draft.lines],
    lines_then: [...after.running.draft.lines],
    proration: {
      formula: FORMULA,
      left_ms: period.end - effectiveAt,
      whole_ms: period.end - period.start,
    },
    credit: { plan: now.terms.plan, amount: formatMoney(difference.left, currency) },
    charge: { plan: taken.plan, amount: formatMoney(difference.others, currency) },
    difference: formatMoney(difference.left.add(difference.others), currency),
    upcoming_total_now: before.running.draft.totals.total,
    upcoming_total_then: after.running.draft.totals.total,
    allowance_credits: numberFromMicros(asIf?.allowance ?? 0n),
    trial_end: trialEnd === null ? null : instant(trialEnd),
    next_period: {
      start: wireSecond(next.period.start),
      end: wireSecond(next.period.end - 1_000),
      plan: next.plan.plan,
      fees: next.fees,
      total: formatMoney(sumOf(next.fees), currency),
      allowance_credits: next.ends ? 0 : numberFromMicros(next.plan.allowance?.credits ?? 0n),
    },
  }
}

/** By how much the lines of the plan that is left, and all others, cost more or less. */
function differenceBetween(before: Periods, after: Periods, left: PlanTerms) {
  const isLeft = ({ planVersionNo }: { planVersionNo: number }) =>
    planVersionNo === left.planVersionNo
  const difference = (which: (line: { planVersionNo: number }) => boolean) =>
    sumOf(after.running.lines.filter(which)).sub(sumOf(before.running.lines.filter(which)))
  return { left: difference(isLeft), others: difference((line) => !isLeft(line)) }
}

function sumOf(lines: readonly { amount: string }[]) {
  return lines.reduce((sum, { amount }) => sum.add(parseExact(amount)), NOTHING)
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}
