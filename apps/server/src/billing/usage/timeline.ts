import { openAccount } from '../../ledger/account.ts'
import { decideChange } from '../../ledger/changes.ts'
import { changeFrom } from '../../ledger/command-from-entry.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { rollTo } from '../../ledger/lapse.ts'
import { openingFrom } from '../../ledger/open.ts'
import type { Account } from '../../ledger/types.ts'
import type { Period } from '../../lib/periods.ts'

/** A stretch of a period in which the same was agreed, half-open. */
export type Span = {
  readonly from: number
  readonly to: number
  readonly period: Period
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
  const [first, ...rest] = changes
  if (first?.kind !== 'open') throw new Error('a log begins with its opening')
  const spans: Span[] = []
  let account = openAccount(openingFrom(first.tenantNo, first))
  // Its first day is a whole one, and so is its first period.
  let from = account.period.start
  const advance = (to: number) => {
    while (account.period.end <= to) {
      spans.push(...spansBetween(account, from, account.period.end))
      from = account.period.end
      account = rollTo(account, WITHOUT_ALLOWANCE, from)
    }
  }
  for (const { detail, recordedAt, seq } of rest) {
    advance(recordedAt)
    spans.push(...spansBetween(account, from, recordedAt))
    from = recordedAt
    const command = { kind: 'change', change: changeFrom(detail ?? {}) } as const
    const step = decideChange(account, command, recordedAt)
    if (step.refusal !== null) throw new Error(`line ${seq} would be refused: ${step.refusal}`)
    account = { ...step.account, lastAt: recordedAt }
  }
  advance(Math.max(until, from))
  spans.push(...spansBetween(account, from, account.period.end))
  return joined(spans)
}

function spansBetween(account: Account, from: number, to: number): Span[] {
  if (from >= to) return []
  const { period, timeZone, planVersionNo, subscription, trialEnd } = account
  const span = (start: number, end: number, state: Span['state']): Span => {
    return { from: start, to: end, period, timeZone, planVersionNo, state }
  }
  if (subscription !== 'active') return [span(from, to, subscription)]
  if (trialEnd === null || trialEnd <= from) return [span(from, to, 'active')]
  if (trialEnd >= to) return [span(from, to, 'trial')]
  return [span(from, trialEnd, 'trial'), span(trialEnd, to, 'active')]
}

/** One for what is the same, and in each the period as it was in the end: a change of zone moves it. */
function joined(spans: readonly Span[]): Span[] {
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

/** The span in which something happened; what is said to be older than the log belongs to its beginning. */
export function spanAt(spans: readonly Span[], at: number): Span {
  let [low, high] = [0, spans.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (spans[middle]!.to <= at) low = middle + 1
    else high = middle
  }
  return spans[low]!
}

/** When a line happened, for the bill: as its sender says, but never later than it was recorded. */
export function happenedAt({ call, recordedAt }: StoredEntry): number {
  return Math.min(call?.occurredAt ?? recordedAt, recordedAt)
}
