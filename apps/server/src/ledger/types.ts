import type { DenialReason } from '@tollgate/contract'
import type { Micros } from '../lib/micros.ts'
import type { Period } from '../lib/periods.ts'
import type { EntryKind } from './codes.ts'

export type { Micros }

/** The small current state of a tenant: a fold of its log, and all that `decide` knows of the past. */
export type Account = {
  readonly tenantNo: number
  readonly lastSeq: number
  /** When the last line was recorded, ms. The log's time never goes back, whatever a clock says. */
  readonly lastAt: number
  readonly status: 'active' | 'suspended'
  readonly planVersionNo: number
  readonly timeZone: string
  /** The region of calls that name none. */
  readonly region: string | null
  /** When the subscription began, ms: billing months are anchored on its day. */
  readonly anchor: number
  readonly period: Period
  readonly counters: PeriodCounters
  /** In burn order: priority, then expiry, then age. Only those with something left. */
  readonly grants: readonly Grant[]
  /** What the grants have left, together. */
  readonly balance: Micros
  readonly holds: readonly Hold[]
  /** What the holds set aside, together. */
  readonly held: Micros
  /** One for each of the plan's rate limits, in their order; empty before the first call on a plan. */
  readonly windows: readonly RateWindow[]
  /** Only keys that have a limit of their own, in the order in which they were given one. */
  readonly keyLimits: readonly KeyLimit[]
  /** Whether fees are asked and calls are taken. Canceled: until somebody subscribes again. */
  readonly subscription: 'active' | 'paused' | 'canceled'
  /** Until when nothing is charged, ms; null: there was no trial. */
  readonly trialEnd: number | null
  readonly pending: Pending | null
  /** The credits that a period begins with: given last for the one that ends at `through`, by line `seq`. */
  readonly allowance: { readonly through: number; readonly seq: number } | null
  /** The time of a tenant that lives on a clock of its own, ms; null: everybody's time. */
  readonly testClock: number | null
  /** The earliest expiry of a grant or hold, ms; Infinity when none expires. */
  readonly nextExpiry: number
}

/** What happens when the running period ends: another plan, or the end (null). */
export type Pending = {
  readonly planVersionNo: number | null
  /** Left out: the plan begins without a trial. */
  readonly trialDays?: number
}

/** What happened in the running period. */
export type PeriodCounters = {
  /** Quantity that uses quota and money, micro-units. */
  readonly used: Micros
  /** The part of `used` that went beyond quota. */
  readonly overage: Micros
  /** Lines for calls, whatever became of them. */
  readonly recorded: number
  readonly denied: number
  readonly failed: number
  readonly creditsBurned: Micros
  /** Credits that reported events cost beyond the balance. */
  readonly creditsOverage: Micros
  readonly bytes: number
  readonly largestBytes: number
}

export type Grant = {
  /** The line of the log that gave it. */
  readonly seq: number
  readonly remaining: Micros
  /** Lower burns first. */
  readonly priority: number
  readonly expiresAt: number | null
}

export type Hold = { readonly seq: number; readonly credits: Micros; readonly expiresAt: number }

/** Opens with the first call in it and lasts as long as its limit says. */
export type RateWindow = { readonly start: number; readonly count: number }

/** What one key may use of the running period, beside what all of the tenant's may. */
export type KeyLimit = {
  readonly keyNo: number
  readonly limit: Micros
  readonly used: Micros
  /** The line that set it. What the key sent before is not in `used`, so a void of it is not either. */
  readonly sinceSeq: number
}

/** One metered call as it was sent in, checked. Optional fields that were not sent are null. */
export type Call = {
  readonly service: string
  readonly endpoint: string
  readonly method: string | null
  readonly failed: boolean
  readonly region: string | null
  readonly feature: string | null
  readonly fileType: string | null
  readonly outputFormat: string | null
  readonly errorCode: string | null
  readonly fileSizeBytes: number | null
  readonly processingTimeMs: number | null
  readonly tokenCount: number | null
  readonly quantity: Micros
  /** JSON text. */
  readonly properties: string | null
  readonly occurredAt: number | null
  /**
   * Its tenant's own credentials sent it, and a time with it: billed by when it is recorded. Without a
   * time of its own there is no difference, so it is not said.
   */
  readonly selfReported: boolean
  readonly reportedCredits: Micros | null
  readonly reportedPremium: boolean | null
}

/** What a call costs and whether it is premium, by the catalog's rules. */
export type Price = { readonly credits: Micros; readonly premium: boolean }

/** A key's number, or below zero a member's; null: Tollgate itself. */
export type SenderNo = number | null

export type Command =
  /** Asks before the work is done: may be denied. */
  | {
      readonly kind: 'call'
      readonly call: Call
      readonly price: Price
      readonly senderNo: SenderNo
    }
  /** Happened already: recorded and charged, never denied. */
  | {
      readonly kind: 'report'
      readonly call: Call
      readonly price: Price
      readonly senderNo: SenderNo
    }
  | {
      readonly kind: 'grant'
      readonly credits: Micros
      readonly priority: number
      readonly expiresAt: number | null
      readonly reason: string
      /** Bought ones are on the bill of the period in which they were given. */
      readonly bought: boolean
    }
  | { readonly kind: 'adjustment'; readonly credits: Micros; readonly reason: string }
  | { readonly kind: 'hold'; readonly credits: Micros; readonly expiresAt: number }
  | {
      readonly kind: 'settlement'
      readonly holdSeq: number
      readonly credits: Micros
      readonly allowMore: boolean
    }
  | { readonly kind: 'release'; readonly holdSeq: number }
  | { readonly kind: 'void'; readonly voided: VoidedCall; readonly reason: string }
  | { readonly kind: 'change'; readonly change: AccountChange }
  /** Puts on record that a threshold was reached. Nothing of the account follows from it. */
  | { readonly kind: 'alert'; readonly alert: Readonly<Record<string, unknown>> }
  /** Writes the lines for what time did, and none of its own. */
  | { readonly kind: 'lapse' }

/** What a void must know of the line it compensates. */
export type VoidedCall = {
  readonly seq: number
  readonly senderNo: SenderNo
  readonly recordedAt: number
  /** Credits that were taken for it. */
  readonly credits: Micros
  /** Credits it cost beyond the balance. */
  readonly creditsOverage: Micros
  /** Quantity it used; 0 when it did not count. */
  readonly quantity: Micros
  /** The part of `quantity` beyond the quota. */
  readonly overage: Micros
  readonly fileSizeBytes: number | null
  readonly failed: boolean
}

export type AccountChange = {
  readonly status?: 'active' | 'suspended'
  readonly planVersionNo?: number
  /** Months begin by it from the next period on; days of statistics at once. */
  readonly timeZone?: string
  /** Of lines that were written when another zone also moved the end of the running period. */
  readonly zoneMovesEnd?: true
  readonly region?: string | null
  readonly subscription?: Account['subscription']
  readonly pending?: Account['pending']
  readonly trialEnd?: number
  /** Credits that another plan brings for the rest of the period. */
  readonly allowance?: Micros
  /** Moves a test clock on, ms. The change happens at that time. */
  readonly testClock?: number
  /** A limit of a key's own; null lifts it. */
  readonly keyLimit?: { readonly keyNo: number; readonly limit: Micros | null }
}

/** A line of a tenant's log. */
export type Entry = {
  readonly seq: number
  readonly kind: EntryKind
  readonly recordedAt: number
  readonly reason: DenialReason | null
  readonly counted: boolean
  readonly overage: boolean
  /** What the balance changed by. */
  readonly credits: Micros
  /** What the call costs, where that is not what was taken. */
  readonly cost: Micros | null
  /** Free to spend after this line. */
  readonly remaining: Micros
  /** Quota used in the period after this line. */
  readonly used: Micros
  readonly call: Call | null
  /** What a line that is not a call did; JSON fields in the wire's names. */
  readonly detail: Readonly<Record<string, unknown>> | null
}

/** Why a command cannot be carried out at all. Nothing is recorded. */
export type Refusal =
  | 'hold_not_open'
  | 'settlement_exceeds_hold'
  | 'balance_too_low'
  | 'too_many_grants'
  | 'too_many_holds'
  | 'too_many_key_limits'
  | 'grant_expired'
  | 'subscription_not_active'
  | 'subscription_not_paused'
  | 'nothing_pending'
  | 'no_test_clock'
  | 'clock_goes_back'
  | 'nothing_lapsed'
  | 'usage_too_large'
  | 'timestamp_out_of_bounds'

export type Outcome =
  | {
      readonly account: Account
      /** The line of the command, last; before it, lines for what expired in the meantime. */
      readonly entries: readonly Entry[]
      readonly refusal: null
    }
  | { readonly account: Account; readonly entries: readonly []; readonly refusal: Refusal }
