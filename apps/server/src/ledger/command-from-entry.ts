import { microsFromNumber } from '../lib/micros.ts'
import { ZONE_FROM } from './changes.ts'
import { costOf, type SentEntry } from './entry-row.ts'
import type { Account, AccountChange, Command, VoidedCall } from './types.ts'

/**
 * The command that a line of the log answers, for deciding it again. What a line does not keep does
 * not matter any more: of a price, whether it was premium only if that was the reason to deny; of a
 * settlement, whether it might exceed its hold, since it was accepted.
 * @param voided what the void of a line gives back
 */
export function commandFromEntry(entry: SentEntry, voided: (seq: number) => VoidedCall): Command {
  const detail = entry.detail ?? {}
  switch (entry.kind) {
    case 'call':
    case 'report': {
      const price = { credits: costOf(entry), premium: entry.reason === 'premium_required' }
      return { kind: entry.kind, call: entry.call!, price, senderNo: entry.senderNo }
    }
    case 'grant':
      return {
        kind: 'grant',
        credits: entry.credits,
        priority: Number(detail.priority),
        expiresAt: detail.expires_at === null ? null : Date.parse(String(detail.expires_at)),
        reason: String(detail.reason),
        bought: detail.bought === true,
      }
    case 'adjustment':
      return { kind: 'adjustment', credits: entry.credits, reason: String(detail.reason) }
    case 'hold':
      return {
        kind: 'hold',
        credits: costOf(entry),
        expiresAt: Date.parse(String(detail.expires_at)),
      }
    case 'settlement': {
      const holdSeq = Number(detail.hold_seq)
      return { kind: 'settlement', holdSeq, credits: costOf(entry), allowMore: true }
    }
    case 'release':
      return { kind: 'release', holdSeq: Number(detail.hold_seq) }
    case 'void':
      return {
        kind: 'void',
        voided: voided(Number(detail.voided_seq)),
        reason: String(detail.reason),
      }
    case 'change':
      return { kind: 'change', change: changeFrom(detail) }
    case 'alert':
      return { kind: 'alert', alert: detail }
    case 'open':
    case 'expiry':
    case 'allowance':
      throw new Error(`line ${entry.seq} of kind ${entry.kind} answers no command`)
  }
}

/** What a line of kind `change` changed. */
export function changeFrom(detail: Readonly<Record<string, unknown>>): AccountChange {
  return {
    ...(detail.status === undefined ? {} : { status: detail.status as Account['status'] }),
    ...(detail.plan_version_no === undefined
      ? {}
      : { planVersionNo: Number(detail.plan_version_no) }),
    ...(detail.time_zone === undefined ? {} : zoneFrom(detail)),
    ...(detail.region === undefined ? {} : { region: detail.region as string | null }),
    ...(detail.subscription === undefined
      ? {}
      : { subscription: detail.subscription as Account['subscription'] }),
    ...(detail.pending === undefined ? {} : { pending: pendingFrom(detail.pending) }),
    ...(detail.trial_end === undefined ? {} : { trialEnd: Date.parse(String(detail.trial_end)) }),
    ...(detail.test_clock === undefined
      ? {}
      : { testClock: Date.parse(String(detail.test_clock)) }),
    ...(detail.allowance === undefined
      ? {}
      : { allowance: microsFromNumber(Number(detail.allowance))! }),
    ...(detail.key_no === undefined ? {} : { keyLimit: keyLimitFrom(detail) }),
  }
}

function zoneFrom({ time_zone, zone_from }: Readonly<Record<string, unknown>>) {
  const timeZone = String(time_zone)
  return zone_from === ZONE_FROM ? { timeZone } : { timeZone, zoneMovesEnd: true as const }
}

function pendingFrom(pending: unknown): Account['pending'] {
  const to = pending as { plan_version_no: number | null; trial_days?: number } | null
  if (to === null) return null
  const { plan_version_no: planVersionNo, trial_days: trialDays } = to
  return trialDays === undefined ? { planVersionNo } : { planVersionNo, trialDays }
}

function keyLimitFrom({ key_no, key_limit }: Readonly<Record<string, unknown>>) {
  const limit = key_limit === null ? null : microsFromNumber(Number(key_limit))!
  return { keyNo: Number(key_no), limit }
}
