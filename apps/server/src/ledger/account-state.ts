import { withCredits } from './account.ts'
import type { Account, Grant, Hold, KeyLimit, PeriodCounters, RateWindow } from './types.ts'

/**
 * The stored form of an account: short names and arrays, since it is written with every call.
 * Micro-credits are strings: JSON numbers are floats to most that read them. Sums are left out and
 * made again when it is read.
 */
type StoredState = {
  at: number
  status: Account['status']
  plan: number
  tz: string
  region: string | null
  anchor: number
  period: [start: number, end: number]
  counters: [
    used: string,
    overage: string,
    creditsBurned: string,
    creditsOverage: string,
    recorded: number,
    denied: number,
    failed: number,
    bytes: number,
    largestBytes: number,
  ]
  grants: [seq: number, remaining: string, priority: number, expiresAt: number | null][]
  holds: [seq: number, credits: string, expiresAt: number][]
  windows: [start: number, count: number][]
  /** What follows is left out where there is nothing to say, which is nearly everywhere. */
  sub?: 'paused' | 'canceled'
  trial?: number
  /** The plan version to come; null: none, it ends. */
  pending?: [planVersionNo: number | null, trialDays?: number]
  allowance?: [through: number, seq: number]
  clock?: number
  /** Left out where no key has a limit of its own: most accounts, and all that are older than such limits. */
  keys?: [keyNo: number, limit: string, used: string, sinceSeq: number][]
}

export function encodeAccountState(account: Account): string {
  const { counters: c, period } = account
  const state: StoredState = {
    at: account.lastAt,
    status: account.status,
    plan: account.planVersionNo,
    tz: account.timeZone,
    region: account.region,
    anchor: account.anchor,
    period: [period.start, period.end],
    counters: [
      String(c.used),
      String(c.overage),
      String(c.creditsBurned),
      String(c.creditsOverage),
      c.recorded,
      c.denied,
      c.failed,
      c.bytes,
      c.largestBytes,
    ],
    grants: account.grants.map((g) => [g.seq, String(g.remaining), g.priority, g.expiresAt]),
    holds: account.holds.map((h) => [h.seq, String(h.credits), h.expiresAt]),
    windows: account.windows.map((w) => [w.start, w.count]),
  }
  if (account.subscription !== 'active') state.sub = account.subscription
  if (account.trialEnd !== null) state.trial = account.trialEnd
  if (account.pending !== null) {
    const { planVersionNo, trialDays } = account.pending
    state.pending = trialDays === undefined ? [planVersionNo] : [planVersionNo, trialDays]
  }
  if (account.allowance !== null) {
    state.allowance = [account.allowance.through, account.allowance.seq]
  }
  if (account.testClock !== null) state.clock = account.testClock
  if (account.keyLimits.length > 0) {
    state.keys = account.keyLimits.map((k) => [
      k.keyNo,
      String(k.limit),
      String(k.used),
      k.sinceSeq,
    ])
  }
  return JSON.stringify(state)
}

/** @param state the column as the driver gives it: parsed JSON */
export function decodeAccountState(tenantNo: number, lastSeq: number, state: unknown): Account {
  const s = state as StoredState
  const bare: Account = {
    tenantNo,
    lastSeq,
    lastAt: s.at,
    status: s.status,
    planVersionNo: s.plan,
    timeZone: s.tz,
    region: s.region,
    anchor: s.anchor,
    period: { start: s.period[0], end: s.period[1] },
    counters: decodeCounters(s.counters),
    grants: s.grants.map(
      ([seq, remaining, priority, expiresAt]): Grant => ({
        seq,
        remaining: BigInt(remaining),
        priority,
        expiresAt,
      }),
    ),
    balance: 0n,
    holds: s.holds.map(
      ([seq, credits, expiresAt]): Hold => ({ seq, credits: BigInt(credits), expiresAt }),
    ),
    held: 0n,
    windows: s.windows.map(([start, count]): RateWindow => ({ start, count })),
    keyLimits: (s.keys ?? []).map(
      ([keyNo, limit, used, sinceSeq]): KeyLimit => ({
        keyNo,
        limit: BigInt(limit),
        used: BigInt(used),
        sinceSeq,
      }),
    ),
    subscription: s.sub ?? 'active',
    trialEnd: s.trial ?? null,
    pending: decodePending(s.pending),
    allowance: s.allowance === undefined ? null : { through: s.allowance[0], seq: s.allowance[1] },
    testClock: s.clock ?? null,
    nextExpiry: Number.POSITIVE_INFINITY,
  }
  return withCredits(bare, {})
}

function decodePending(stored: StoredState['pending']): Account['pending'] {
  if (stored === undefined) return null
  const [planVersionNo, trialDays] = stored
  return trialDays === undefined ? { planVersionNo } : { planVersionNo, trialDays }
}

function decodeCounters(stored: StoredState['counters']): PeriodCounters {
  const [used, overage, creditsBurned, creditsOverage, ...counts] = stored
  const [recorded, denied, failed, bytes, largestBytes] = counts
  return {
    used: BigInt(used),
    overage: BigInt(overage),
    creditsBurned: BigInt(creditsBurned),
    creditsOverage: BigInt(creditsOverage),
    recorded,
    denied,
    failed,
    bytes,
    largestBytes,
  }
}
