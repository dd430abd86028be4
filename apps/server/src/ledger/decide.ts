import type { PlanTerms } from '../catalog/types.ts'
import { availableCredits } from './account.ts'
import { decideCall, decideReport } from './calls.ts'
import { decideChange } from './changes.ts'
import { decideVoid } from './corrections.ts'
import { decideAdjustment, decideGrant } from './credits.ts'
import { decideHold, decideRelease, decideSettlement } from './holds.ts'
import { lapse } from './lapse.ts'
import { type Line, PLAIN_LINE, type Step } from './step.ts'
import { timeOf } from './subscription.ts'
import type { Account, AccountChange, Command, Entry, Outcome } from './types.ts'

/**
 * The one rule: what a command does to a tenant's account at `now`. Pure: the same account, command,
 * terms and time give the same outcome on every node, today and when `tollgate verify` asks again.
 *
 * @param terms the plan version that holds at the time of the command: `planVersionAt`
 * @param clockNow ms; what it means to this account says `timeOf`
 */
export function decide(
  account: Account,
  command: Command,
  terms: PlanTerms,
  clockNow: number,
): Outcome {
  const now = timeOf(account, clockNow, newClockOf(command))
  const lapsed = lapse(account, terms, now)
  const entries = lapsed.lines.map(({ kind, line }, index) =>
    entryOf(lapsed.account, account.lastSeq + 1 + index, kind, now, line),
  )
  const current: Account =
    entries.length === 0
      ? lapsed.account
      : { ...lapsed.account, lastSeq: account.lastSeq + entries.length }
  if (command.kind === 'lapse') {
    if (entries.length === 0) return { account, entries: [], refusal: 'nothing_lapsed' }
    return { account: { ...current, lastAt: now }, entries, refusal: null }
  }
  const step = carryOut(current, command, terms, now)
  if (step.refusal !== null) return { account, entries: [], refusal: step.refusal }

  const seq = current.lastSeq + 1
  const after: Account = { ...step.account, lastSeq: seq, lastAt: now }
  entries.push(entryOf(after, seq, command.kind, now, step.line))
  return { account: after, entries, refusal: null }
}

/** Where a change of a test clock sets it; undefined: it is no such change. */
export function newClockOf(order: { kind: string; change?: AccountChange }): number | undefined {
  return order.kind === 'change' ? order.change?.testClock : undefined
}

type Asking = Exclude<Command, { kind: 'lapse' }>

function carryOut(account: Account, command: Asking, terms: PlanTerms, now: number): Step {
  switch (command.kind) {
    case 'call':
      return decideCall(account, command, terms, now)
    case 'report':
      return decideReport(account, command, terms)
    case 'grant':
      return decideGrant(account, command, now)
    case 'adjustment':
      return decideAdjustment(account, command)
    case 'hold':
      return decideHold(account, command)
    case 'settlement':
      return decideSettlement(account, command)
    case 'release':
      return decideRelease(account, command)
    case 'void':
      return decideVoid(account, command)
    case 'change':
      return decideChange(account, command, now)
    case 'alert':
      return { account, line: { ...PLAIN_LINE, detail: command.alert }, refusal: null }
  }
}

function entryOf(
  after: Account,
  seq: number,
  kind: Entry['kind'],
  recordedAt: number,
  line: Line,
): Entry {
  return {
    seq,
    kind,
    recordedAt,
    reason: line.reason,
    counted: line.counted,
    overage: line.overage,
    credits: line.credits,
    cost: line.cost,
    remaining: availableCredits(after),
    used: after.counters.used,
    call: line.call,
    detail: line.detail,
  }
}
