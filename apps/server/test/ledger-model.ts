import type { DenialReason } from '@tollgate/contract'
import type { PlanTerms } from '../src/catalog/types.ts'
import type { EntryKind } from '../src/ledger/codes.ts'
import type { Account, AccountChange, Call, Command, Price, Refusal } from '../src/ledger/types.ts'
import type { Period } from '../src/lib/periods.ts'
import { monthStart } from './month-start.ts'

/** A line as the model sees it. */
export type ModelLine = {
  seq: number
  kind: EntryKind
  at: number
  reason: DenialReason | null
  counted: boolean
  overage: boolean
  credits: bigint
  remaining: bigint
  used: bigint
}

/** What it keeps of the past: lines, what was asked for, and how far it went beyond quota and credits. */
type Past = Omit<ModelLine, 'remaining' | 'used'> & {
  command: Command | null
  plan: number
  lapsedSeq?: number
  beyondQuota?: bigint
  beyondCredits?: bigint
}

type Verdict = Refusal | Partial<Past>
type Lot = { seq: number; left: bigint; priority: number; expiresAt: number | null }
type CallCommand = Extract<Command, { kind: 'call' | 'report' }>

/**
 * What the ledger should do, by a second opinion: it keeps no state but the list of everything that
 * happened, and answers each question by going through all of it again. Slow, and shares nothing with
 * `decide` but the calendar.
 */
export class LedgerModel {
  private readonly past: Past[] = []
  private readonly opened: Account
  private readonly termsOf: (planVersionNo: number) => PlanTerms

  constructor(opened: Account, termsOf: (planVersionNo: number) => PlanTerms) {
    this.opened = opened
    this.termsOf = termsOf
  }

  carryOut(command: Command, clockNow: number): ModelLine[] | Refusal {
    const now = Math.max(clockNow, this.lastAt())
    const length = this.past.length
    for (const { seq, left } of this.lots().filter((lot) => lot.left > 0n && isOver(lot, now))) {
      this.add('expiry', now, null, { credits: -left, lapsedSeq: seq })
    }
    const verdict = this.judge(command, now)
    if (typeof verdict === 'string') {
      this.past.length = length
      return verdict
    }
    const lapsed = this.past.slice(length).map((line) => this.shown(line, now))
    if (command.kind !== 'lapse') this.add(command.kind, now, command, verdict)
    return [...lapsed, this.shown(this.past.at(-1)!, now)]
  }

  /** The account as it should be, without what the model has no opinion about: how lots are kept. */
  account(now: number) {
    const calls = this.callsIn(this.period(now))
    const allowed = calls.filter(({ reason }) => reason === null)
    const unvoided = allowed.filter(({ seq }) => !this.isVoided(seq))
    const spending = [...unvoided, ...this.inPeriod(now, 'settlement')]
    const bytes = (lines: Past[]) => lines.map(({ command }) => callOf(command).fileSizeBytes ?? 0)
    return {
      lastSeq: 1 + this.past.length,
      lastAt: this.lastAt(),
      status: this.latest('status') ?? 'active',
      planVersionNo: this.plan(),
      timeZone: this.latest('timeZone') ?? this.opened.timeZone,
      region: this.latest('region') ?? null,
      period: this.period(now),
      balance: this.balance(),
      held: sum(this.openHolds(now).map(({ credits }) => credits)),
      windows: this.windows(),
      keyLimits: this.keyLimits(now),
      counters: {
        used: this.used(now),
        overage: sum(unvoided.map(({ beyondQuota }) => beyondQuota ?? 0n)),
        recorded: calls.length,
        denied: calls.length - allowed.length,
        failed: unvoided.filter(({ command }) => callOf(command).failed).length,
        creditsBurned: sum(spending.map(({ credits }) => -credits)),
        creditsOverage: sum(spending.map(({ beyondCredits }) => beyondCredits ?? 0n)),
        bytes: bytes(unvoided).reduce((a, b) => a + b, 0),
        largestBytes: Math.max(0, ...bytes(allowed)),
      },
    }
  }

  private add(kind: EntryKind, at: number, command: Command | null, more: Partial<Past>): void {
    const seq = this.past.length + 2
    const plain = { reason: null, counted: false, overage: false, credits: 0n }
    this.past.push({ ...plain, seq, kind, at, command, plan: this.plan(), ...more })
  }

  private shown(line: Past, now: number): ModelLine {
    const { seq, kind, at, reason, counted, overage, credits } = line
    const [remaining, used] = [this.available(now), this.used(now)]
    return { seq, kind, at, reason, counted, overage, credits, remaining, used }
  }

  private judge(command: Command, now: number): Verdict {
    switch (command.kind) {
      case 'call': {
        const reason = this.denial(command, now)
        return reason === null ? this.charged(command, now) : { reason }
      }
      case 'report':
        return this.charged(command, now)
      case 'grant':
        return command.expiresAt !== null && command.expiresAt <= now
          ? 'grant_expired'
          : { credits: command.credits }
      case 'adjustment':
        return this.available(now) + command.credits < 0n
          ? 'balance_too_low'
          : { credits: command.credits }
      case 'hold':
        if (this.latest('status') === 'suspended') return { reason: 'tenant_suspended' }
        return command.credits > this.available(now) ? { reason: 'insufficient_credits' } : {}
      case 'settlement':
        return this.settled(command, now)
      case 'release':
        return this.openHolds(now).some(({ seq }) => seq === command.holdSeq) ? {} : 'hold_not_open'
      case 'void':
        return { credits: -this.past.find(({ seq }) => seq === command.voided.seq)!.credits }
      case 'change':
      case 'alert':
      case 'lapse':
        return {}
    }
  }

  private denial({ call, price, senderNo }: CallCommand, now: number): DenialReason | null {
    const terms = this.termsOf(this.plan())
    const failing: [DenialReason, boolean][] = [
      ['tenant_suspended', this.latest('status') === 'suspended'],
      ['endpoint_not_in_plan', !reachable(terms, call)],
      ['premium_required', price.premium && !terms.premium],
      ['rate_limited', this.isFull(terms, now)],
      [
        'key_limit_exceeded',
        this.counts(call) &&
          this.keyLimits(now).some(
            ({ keyNo, limit, used }) => keyNo === senderNo && used + call.quantity > limit,
          ),
      ],
      [
        'quota_exceeded',
        this.counts(call) &&
          terms.quota?.overage === 'deny' &&
          this.used(now) + call.quantity > terms.quota.limit,
      ],
      ['insufficient_credits', this.due({ call, price }) > this.available(now)],
    ]
    return failing.find(([, fails]) => fails)?.[0] ?? null
  }

  private charged({ call, price }: CallCommand, now: number): Partial<Past> {
    const { quota } = this.termsOf(this.plan())
    const counted = this.counts(call)
    const due = this.due({ call, price })
    const taken = smaller(due, this.available(now))
    const room = quota === null ? call.quantity : larger(0n, quota.limit - this.used(now))
    const beyondQuota = counted ? larger(0n, call.quantity - room) : 0n
    const beyondCredits = due - taken
    const overage = beyondQuota + beyondCredits > 0n
    return { counted, overage, credits: -taken, beyondQuota, beyondCredits }
  }

  private settled(command: Extract<Command, { kind: 'settlement' }>, now: number): Verdict {
    const hold = this.openHolds(now).find(({ seq }) => seq === command.holdSeq)
    if (hold === undefined) return 'hold_not_open'
    const more = command.credits > hold.credits
    if (more && !command.allowMore) return 'settlement_exceeds_hold'
    const others = this.openHolds(now).filter(({ seq }) => seq !== hold.seq)
    const available = larger(0n, this.balance() - sum(others.map(({ credits }) => credits)))
    if (more && command.credits > available) return 'balance_too_low'
    const taken = smaller(command.credits, available)
    const beyondCredits = command.credits - taken
    return { credits: -taken, beyondCredits, overage: beyondCredits > 0n }
  }

  /** Every lot ever given, with what all later lines have left of it, in burn order. */
  private lots(): Lot[] {
    const lots: Lot[] = []
    for (const line of this.past) {
      if (line.credits > 0n) lots.push(lotOf(line))
      for (let due = -line.credits; due > 0n; ) {
        const next = lots
          .filter((lot) => lot.left > 0n && (line.lapsedSeq ?? lot.seq) === lot.seq)
          .reduce((best, lot) => (burnsBefore(lot, best) ? lot : best))
        const taken = smaller(due, next.left)
        next.left -= taken
        due -= taken
      }
    }
    return lots.sort((a, b) => (burnsBefore(a, b) ? -1 : 1))
  }

  private balance(): bigint {
    return sum(this.past.map(({ credits }) => credits))
  }

  private available(now: number): bigint {
    return larger(0n, this.balance() - sum(this.openHolds(now).map(({ credits }) => credits)))
  }

  private openHolds(now: number): { seq: number; credits: bigint }[] {
    return this.past.flatMap(({ seq, command, reason }) => {
      if (command?.kind !== 'hold' || reason !== null || command.expiresAt <= now) return []
      const closed = this.past.some(
        ({ command: other }) =>
          (other?.kind === 'settlement' || other?.kind === 'release') && other.holdSeq === seq,
      )
      return closed ? [] : [{ seq, credits: command.credits }]
    })
  }

  /** Each month ends by the zone of when it began. */
  private period(now: number): Period {
    const { anchor, timeZone } = this.opened
    let period = { start: monthStart(anchor, timeZone, 0), end: monthStart(anchor, timeZone, 1) }
    for (let month = 2; period.end <= now; month += 1) {
      const start = period.end
      const before = this.past.filter(({ at }) => at < start)
      const zones = before.map(
        ({ command }) => command?.kind === 'change' && command.change.timeZone,
      )
      const zone = zones.findLast((name) => typeof name === 'string') || timeZone
      period = { start, end: monthStart(anchor, zone, month) }
    }
    return period
  }

  private callsIn({ start, end }: Period): Past[] {
    return this.past.filter(
      ({ kind, at }) => (kind === 'call' || kind === 'report') && at >= start && at < end,
    )
  }

  private inPeriod(now: number, kind: EntryKind): Past[] {
    const { start } = this.period(now)
    return this.past.filter((line) => line.kind === kind && line.at >= start)
  }

  private used(now: number): bigint {
    const counted = this.callsIn(this.period(now)).filter((line) => line.counted)
    return sum(
      counted
        .filter(({ seq }) => !this.isVoided(seq))
        .map(({ command }) => callOf(command).quantity),
    )
  }

  /** Of each key that has a limit: the latest one, and what the key used since it had none. */
  private keyLimits(now: number) {
    const said = this.past.flatMap(({ seq, command }) =>
      command?.kind === 'change' && command.change.keyLimit !== undefined
        ? [{ ...command.change.keyLimit, seq }]
        : [],
    )
    return [...new Set(said.map(({ keyNo }) => keyNo))]
      .flatMap((keyNo) => {
        const own = said.filter((change) => change.keyNo === keyNo)
        const since = own[own.findLastIndex((change) => change.limit === null) + 1]
        if (since === undefined) return []
        const used = this.usedByKey(keyNo, since.seq, now)
        return [{ keyNo, limit: own.at(-1)!.limit!, used, sinceSeq: since.seq }]
      })
      .sort((a, b) => a.sinceSeq - b.sinceSeq)
  }

  private usedByKey(keyNo: number, sinceSeq: number, now: number): bigint {
    const counted = this.callsIn(this.period(now)).filter(
      (line) => line.counted && line.seq > sinceSeq && !this.isVoided(line.seq),
    )
    return sum(
      counted.map(({ command }) => {
        const { senderNo, call } = command as CallCommand
        return senderNo === keyNo ? call.quantity : 0n
      }),
    )
  }

  private isVoided(seq: number): boolean {
    return this.past.some(({ command }) => command?.kind === 'void' && command.voided.seq === seq)
  }

  /** Allowed calls since the plan was last changed for another. */
  private limitedCalls(): Past[] {
    const changed = this.past.findLastIndex(({ plan }) => plan !== this.plan())
    return this.past.slice(changed + 1).filter(({ kind, reason }) => kind === 'call' && !reason)
  }

  private windows(): { start: number; count: number }[] {
    const times = this.limitedCalls().map(({ at }) => at)
    if (times.length === 0) return []
    return this.termsOf(this.plan()).rateLimits.map(({ ms }) => lastWindow(times, ms)!)
  }

  private isFull(terms: PlanTerms, now: number): boolean {
    const times = this.limitedCalls().map(({ at }) => at)
    return terms.rateLimits.some(({ ms, limit }) => {
      const window = lastWindow(times, ms)
      return window !== null && now - window.start < ms && window.count >= limit
    })
  }

  private counts(call: Call): boolean {
    return this.termsOf(this.plan()).counts === 'all' ? true : !call.failed
  }

  private due({ call, price }: { call: Call; price: Price }): bigint {
    const paid = this.termsOf(this.plan()).credits === 'required' && this.counts(call)
    return paid ? price.credits : 0n
  }

  private plan(): number {
    return this.latest('planVersionNo') ?? this.opened.planVersionNo
  }

  private latest<K extends keyof AccountChange>(name: K): AccountChange[K] {
    const changes = this.past.flatMap(({ command }) =>
      command?.kind === 'change' ? [command.change] : [],
    )
    return changes.findLast((change) => change[name] !== undefined)?.[name]
  }

  private lastAt(): number {
    return this.past.at(-1)?.at ?? this.opened.lastAt
  }
}

function lotOf({ seq, credits, command }: Past): Lot {
  const given = command?.kind === 'grant' ? command : { priority: 0, expiresAt: null }
  return { seq, left: credits, priority: given.priority, expiresAt: given.expiresAt }
}

function burnsBefore(a: Lot, b: Lot): boolean {
  const rank = (lot: Lot) => [lot.priority, lot.expiresAt ?? Number.MAX_VALUE, lot.seq]
  const place = rank(a).findIndex((value, index) => value !== rank(b)[index])
  return place >= 0 && rank(a)[place]! < rank(b)[place]!
}

function lastWindow(times: number[], ms: number): { start: number; count: number } | null {
  let window: { start: number; count: number } | null = null
  for (const at of times) {
    if (window === null || at - window.start >= ms) window = { start: at, count: 0 }
    window.count += 1
  }
  return window
}

function reachable({ plan }: PlanTerms, { service, endpoint }: Call): boolean {
  if (plan === 'hard') return !(service === 'docs' && endpoint === '/blocked')
  if (plan === 'tight') return service === 'docs' && endpoint !== '/blocked'
  return true
}

function callOf(command: Command | null): Call {
  return (command as CallCommand).call
}

const isOver = (lot: Lot, now: number) => lot.expiresAt !== null && lot.expiresAt <= now
const sum = (values: bigint[]) => values.reduce((a, b) => a + b, 0n)
const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)
