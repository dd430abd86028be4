import type { DenialReason } from '@tollgate/contract'
import { endpointAllowed } from '../catalog/endpoint-allowed.ts'
import type { PlanTerms } from '../catalog/types.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { availableCredits, windowsAt } from './account.ts'
import { burn } from './credits.ts'
import { exceedsKeyLimit, withKeyUsage } from './key-usage.ts'
import { type Line, PLAIN_LINE, type Step } from './step.ts'
import type { Account, Call, Command, PeriodCounters, RateWindow } from './types.ts'

/** What a bigint column holds: beyond it nothing could be written. */
const USED_MAX = 2n ** 63n - 1n

type CallCommand = Extract<Command, { kind: 'call' }>
type ReportCommand = Extract<Command, { kind: 'report' }>

/** A call that asks first: the first check that fails names the reason, and nothing is taken. */
export function decideCall(
  account: Account,
  command: CallCommand,
  terms: PlanTerms,
  now: number,
): Step {
  const { call, price } = command
  const windows = windowsAt(account, terms, now)
  const counted = counts(call, terms)
  const reason = denialOf(account, command, terms, windows, counted)
  if (reason !== null) {
    const counters = withRecorded(account.counters, call, { denied: true })
    const line = { ...PLAIN_LINE, reason, cost: price.credits, call }
    return { account: { ...account, counters }, line, refusal: null }
  }
  const charged = charge(account, command, terms, counted)
  if (charged.refusal !== null) return charged
  const opened = windows.map(({ start, count }) => ({ start, count: count + 1 }))
  return { ...charged, account: { ...charged.account, windows: opened } }
}

/** A call that happened already: recorded and charged; what goes beyond quota or credits is overage. */
export function decideReport(account: Account, command: ReportCommand, terms: PlanTerms): Step {
  return charge(account, command, terms, counts(command.call, terms))
}

function counts(call: Call, terms: PlanTerms): boolean {
  return terms.counts === 'all' || !call.failed
}

/** Why nothing of a tenant is taken, whatever it is; null: it is open. */
export function closedReason({ status, subscription }: Account): DenialReason | null {
  if (status === 'suspended') return 'tenant_suspended'
  return subscription === 'active' ? null : 'subscription_inactive'
}

/** The order of the checks is part of the contract: requirements/README.md. */
function denialOf(
  account: Account,
  { call, price, senderNo }: CallCommand,
  terms: PlanTerms,
  windows: readonly RateWindow[],
  counted: boolean,
): DenialReason | null {
  const closed = closedReason(account)
  if (closed !== null) return closed
  if (!endpointAllowed(terms, call.service, call.endpoint)) return 'endpoint_not_in_plan'
  if (price.premium && !terms.premium) return 'premium_required'
  if (windows.some(({ count }, index) => count >= terms.rateLimits[index]!.limit)) {
    return 'rate_limited'
  }
  if (!counted) return null
  if (exceedsKeyLimit(account.keyLimits, senderNo, call.quantity)) return 'key_limit_exceeded'
  const { quota } = terms
  if (quota?.overage === 'deny' && account.counters.used + call.quantity > quota.limit) {
    return 'quota_exceeded'
  }
  if (terms.credits === 'required' && price.credits > availableCredits(account)) {
    return 'insufficient_credits'
  }
  return null
}

/** Takes credits and quota for an allowed or reported call. */
function charge(
  account: Account,
  { call, price, senderNo }: CallCommand | ReportCommand,
  terms: PlanTerms,
  counted: boolean,
): Step {
  if (counted && account.counters.used + call.quantity > USED_MAX) {
    return { refusal: 'usage_too_large' }
  }
  const due = counted && terms.credits === 'required' ? price.credits : 0n
  const available = availableCredits(account)
  const taken = due > available ? available : due
  const beyondQuota = counted ? quotaOverage(account.counters.used, call.quantity, terms) : 0n

  const burned = taken > 0n ? burn(account, taken) : account
  const counters = withRecorded(account.counters, call, {
    used: counted ? call.quantity : 0n,
    overage: beyondQuota,
    creditsBurned: taken,
    creditsOverage: due - taken,
  })
  const line: Line = {
    ...PLAIN_LINE,
    counted,
    overage: beyondQuota > 0n || due > taken,
    credits: -taken,
    cost: price.credits === taken ? null : price.credits,
    call,
    detail: overageDetail(beyondQuota, due - taken),
  }
  const keyLimits = counted
    ? withKeyUsage(account.keyLimits, senderNo, call.quantity)
    : account.keyLimits
  return { account: { ...burned, counters, keyLimits }, line, refusal: null }
}

/** The part of `quantity` that lies beyond the plan's quota. */
function quotaOverage(used: bigint, quantity: bigint, { quota }: PlanTerms): bigint {
  if (quota === null) return 0n
  const beyond = used + quantity - quota.limit
  if (beyond <= 0n) return 0n
  return beyond < quantity ? beyond : quantity
}

/** What a void must take back; only lines that went beyond carry it. */
function overageDetail(quantity: bigint, credits: bigint): Line['detail'] {
  if (quantity === 0n && credits === 0n) return null
  return {
    overage_quantity: numberFromMicros(quantity),
    overage_credits: numberFromMicros(credits),
  }
}

type Recorded = {
  denied?: boolean
  used?: bigint
  overage?: bigint
  creditsBurned?: bigint
  creditsOverage?: bigint
}

function withRecorded(counters: PeriodCounters, call: Call, recorded: Recorded): PeriodCounters {
  const {
    denied = false,
    used = 0n,
    overage = 0n,
    creditsBurned = 0n,
    creditsOverage = 0n,
  } = recorded
  // A denied call did no work, so it processed no bytes.
  const bytes = denied ? 0 : (call.fileSizeBytes ?? 0)
  return {
    used: counters.used + used,
    overage: counters.overage + overage,
    recorded: counters.recorded + 1,
    denied: counters.denied + (denied ? 1 : 0),
    failed: counters.failed + (call.failed && !denied ? 1 : 0),
    creditsBurned: counters.creditsBurned + creditsBurned,
    creditsOverage: counters.creditsOverage + creditsOverage,
    bytes: counters.bytes + bytes,
    largestBytes: Math.max(counters.largestBytes, bytes),
  }
}
