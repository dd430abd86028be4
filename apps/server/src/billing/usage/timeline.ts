import { openAccount } from '../../ledger/account.ts'
import { decideChange } from '../../ledger/changes.ts'
import { changeFrom } from '../../ledger/command-from-entry.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { rollTo } from '../../ledger/lapse.ts'
import { openingFrom } from '../../ledger/open.ts'
import type { Account } from '../../ledger/types.ts'
import type { Period } from '../../lib/periods.ts'

/**
 * A stretch of a period in which the same was agreed, half-open. It may have no length: of two changes
 * in the same millisecond, or on a clock that stands still, calls may have come in between.
 */
export type Span = {
  readonly from: number
  /** The line that it begins with, where several lines are of that time; 0: it begins with the time. */
  readonly fromSeq: number
  readonly to: number
  readonly period: Period
  /** By which the period is a month. */
  readonly timeZone: string
  readonly planVersionNo: number
  /** In a trial nothing is charged, in a pause no fees, and canceled nothing goes on. */
  readonly state: 'active' | 'trial' | 'paused' | 'canceled'
}

/** Allowances change nothing of what was agreed. */
const WITHOUT_ALLOWANCE = { allowance: null }

/**
 * What was agreed with a tenant, from the beginning of its log to the end of the period that contains
 * `until`, as things stand. By the rules of the ledger, so that a plan begins here when it begins there.
 * @param changes the lines of kind `open` and `change`, in order
 */
export function timelineOf(changes: readonly StoredEntry[], until: number): Span[] {
  const [, ...rest] = changes
  const spans: Span[] = []
  let account = openedBy(changes)
  let { timeZone } = account
  // Its first day is a whole one, and so is its first period.
  let from = account.period.start
  let fromSeq = 0
  const advance = (to: number) => {
    while (account.period.end <= to) {
      spans.push(...spansBetween(account, { from, fromSeq, timeZone }, account.period.end))
      from = account.period.end
      fromSeq = 0
      account = rollTo(account, WITHOUT_ALLOWANCE, from)
      timeZone = account.timeZone
    }
  }
  for (const { detail, recordedAt, seq } of rest) {
    advance(recordedAt)
    spans.push(...spansBetween(account, { from, fromSeq, timeZone }, recordedAt))
    from = recordedAt
    fromSeq = seq
    const command = { kind: 'change', change: changeFrom(detail ?? {}) } as const
    const step = decideChange(account, command, recordedAt)
    if (step.refusal !== null) throw new Error(`line ${seq} would be refused: ${step.refusal}`)
    account = { ...step.account, lastAt: recordedAt }
    if (command.change.zoneMovesEnd) timeZone = account.timeZone
  }
  advance(Math.max(until, from))
  spans.push(...spansBetween(account, { from, fromSeq, timeZone }, account.period.end))
  return joined(spans)
}

/** @param changes as for `timelineOf` */
export function firstPeriodOf(changes: readonly StoredEntry[]): Period {
  return openedBy(changes).period
}

function openedBy([first]: readonly StoredEntry[]): Account {
  if (first?.kind !== 'open') throw new Error('a log begins with its opening')
  return openAccount(openingFrom(first.tenantNo, first))
}

function spansBetween(
  account: Account,
  { from, fromSeq, timeZone }: Pick<Span, 'from' | 'fromSeq' | 'timeZone'>,
  to: number,
): Span[] {
  const { period, planVersionNo, subscription, trialEnd } = account
  const first = (end: number, state: Span['state']): Span => {
    return { from, fromSeq, to: end, period, timeZone, planVersionNo, state }
  }
  if (subscription !== 'active') return [first(to, subscription)]
  if (trialEnd === null || trialEnd <= from) return [first(to, 'active')]
  if (trialEnd >= to) return [first(to, 'trial')]
  return [first(trialEnd, 'trial'), { ...first(to, 'active'), from: trialEnd, fromSeq: 0 }]
}

/** One for what is the same, and in each the period as it was in the end: another zone once moved it. */
export function joined(spans: readonly Span[]): Span[] {
  const last = new Map(spans.map((span) => [span.period.start, span]))
  const result: Span[] = []
  for (const span of spans) {
    const { period, timeZone } = last.get(span.period.start)!
    const before = result.at(-1)
    const same =
      before?.period.start === period.start &&
      before.planVersionNo === span.planVersionNo &&
      before.state === span.state
    if (same) result[result.length - 1] = { ...before, to: span.to }
    else result.push({ ...span, period, timeZone })
  }
  return result
}

/**
 * The span in which a line is billed; what is said to be older than the log belongs to its beginning. Of
 * lines that are of the same time those before a change are billed by what held before it: they were
 * decided by it, and what is folded already must not depend on what comes after it.
 */
export function spanAt(spans: readonly Span[], line: StoredEntry): Span {
  const at = billedAt(line)
  let [low, high] = [0, spans.length - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    const { from, fromSeq } = spans[middle]!
    if (from < at || (from === at && fromSeq < line.seq)) low = middle
    else high = middle - 1
  }
  return spans[low]!
}

/** Those that lasted: only what lasts has fees, and is a subscription. */
export function lasting(spans: readonly Span[]): Span[] {
  return spans.filter(({ from, to }) => from < to)
}

/**
 * The instant that a line is billed by, its place in periods, plans and trials: when it happened, as a
 * service or the operator says, but never later than it was recorded. Who pays cannot choose it: what a
 * tenant's own credentials sent is billed by when it was recorded, whatever time it carries.
 */
export function billedAt({ call, recordedAt }: StoredEntry): number {
  if (call === null || call.occurredAt === null || call.selfReported) return recordedAt
  return Math.min(call.occurredAt, recordedAt)
}
