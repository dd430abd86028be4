import type { PlanTerms } from '../catalog/types.ts'
import { availableCredits, rollTo } from './account.ts'
import { decideCall, decideReport } from './calls.ts'
import { decideChange, decideVoid } from './corrections.ts'
import { decideAdjustment, decideGrant } from './credits.ts'
import { decideHold, decideRelease, decideSettlement } from './holds.ts'
import { type Line, PLAIN_LINE, type Step } from './step.ts'
import type { Account, Command, Entry, Outcome } from './types.ts'

/**
 * The one rule: what a command does to a tenant's account at `now`. Pure: the same account, command,
 * terms and time give the same outcome on every node, today and when `tollgate verify` asks again.
 *
 * @param terms the plan version that `account.planVersionNo` names
 * @param clockNow ms; a time before the log's last line is taken as that line's time
 */
export function decide(
  account: Account,
  command: Command,
  terms: PlanTerms,
  clockNow: number,
): Outcome {
  const now = Math.max(clockNow, account.lastAt)
  const rolled = rollTo(account, now)
  const entries = expiryEntries(account, rolled, now)
  const current =
    entries.length === 0 ? rolled : { ...rolled, lastSeq: account.lastSeq + entries.length }
  const step = carryOut(current, command, terms, now)
  if (step.refusal !== null) return { account, entries: [], refusal: step.refusal }

  const seq = current.lastSeq + 1
  const after: Account = { ...step.account, lastSeq: seq, lastAt: now }
  entries.push(entryOf(after, seq, command.kind, now, step.line))
  return { account: after, entries, refusal: null }
}

function carryOut(account: Account, command: Command, terms: PlanTerms, now: number): Step {
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
  }
}

/** Credits that lapsed since the last line: they leave the balance by a line of their own. */
function expiryEntries(before: Account, rolled: Account, now: number): Entry[] {
  if (now < before.nextExpiry) return []
  const lapsed = before.grants.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now)
  return lapsed.map((grant, index) =>
    entryOf(rolled, before.lastSeq + 1 + index, 'expiry', now, {
      ...PLAIN_LINE,
      credits: -grant.remaining,
      detail: { grant_seq: grant.seq },
    }),
  )
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
