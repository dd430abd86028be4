import fc from 'fast-check'
import type { PlanTerms } from '../src/catalog/types.ts'
import type { Order } from '../src/ledger/command-of.ts'
import { decide } from '../src/ledger/decide.ts'
import type { SentEntry } from '../src/ledger/entry-row.ts'
import type {
  Account,
  AccountChange,
  Call,
  Command,
  Outcome,
  Price,
  SenderNo,
} from '../src/ledger/types.ts'
import { voidedCall } from '../src/ledger/void-verb.ts'
import { PLAIN_CALL, UNIT } from './ledger-accounts.ts'
import { TEST_PLANS_COUNT, type TestPlan, testPlanVersion } from './ledger-plans.ts'

/** A command as it is drawn: which hold or call it is about is settled when its turn comes. */
type Act =
  | { kind: 'call' | 'report'; call: Call; price: Price; senderNo: SenderNo }
  | { kind: 'grant'; credits: bigint; priority: number; expiresInMs: number | null }
  | { kind: 'adjustment'; credits: bigint }
  | { kind: 'hold'; credits: bigint; expiresInMs: number }
  | { kind: 'settlement'; which: number; credits: bigint; allowMore: boolean }
  | { kind: 'release' | 'void'; which: number }
  | { kind: 'change'; change: AccountChange }
  | { kind: 'alert'; alert: { value: number } }

export type Step = { readonly waitMs: number; readonly act: Act }

/** One command that was decided, with all that went in and came out. */
export type Turn = {
  readonly before: Account
  readonly command: Command
  readonly terms: PlanTerms
  readonly clockNow: number
  readonly outcome: Outcome
}

type Decide = (account: Account, command: Command, terms: PlanTerms, clockNow: number) => Outcome

/**
 * Decides the steps one after the other, as a lane does; what cannot be meant (no call to void yet) is left out.
 * @param carryOut left out: as the command is drawn, on the plans of ledger-plans.ts
 */
export function walk(start: Account, steps: readonly Step[], carryOut: Decide = decide): Turn[] {
  const turns: Turn[] = []
  const log: SentEntry[] = []
  let account = start
  let clockNow = start.lastAt
  for (const { waitMs, act } of steps) {
    clockNow += waitMs
    const command = commandOf(act, log, Math.max(clockNow, account.lastAt))
    if (command === null) continue
    const terms = testPlanVersion(account.planVersionNo)
    const outcome = carryOut(account, command, terms, clockNow)
    turns.push({ before: account, command, terms, clockNow, outcome })
    const senderNo = senderOf(command)
    log.push(...outcome.entries.map((entry) => ({ ...entry, senderNo })))
    account = outcome.account
  }
  return turns
}

/** Who sends the command; calls alone say so, since nothing else depends on it. */
export function senderOf(command: Command): SenderNo {
  return command.kind === 'call' || command.kind === 'report' ? command.senderNo : null
}

/** As it is handed to a lane whose clock shows `now`: of a hold, how long it lasts. */
export function orderOf(command: Command, now: number): Order {
  if (command.kind !== 'hold') return command
  return { kind: 'hold', credits: command.credits, lastsMs: command.expiresAt - now }
}

function commandOf(act: Act, log: readonly SentEntry[], now: number): Command | null {
  switch (act.kind) {
    case 'call':
    case 'report':
    case 'change':
    case 'alert':
      return act
    case 'grant': {
      const { credits, priority, expiresInMs } = act
      const expiresAt = expiresInMs === null ? null : now + expiresInMs
      return { kind: 'grant', credits, priority, expiresAt, reason: 'a gift', bought: false }
    }
    case 'adjustment':
      return { ...act, reason: 'by hand' }
    case 'hold':
      return { kind: 'hold', credits: act.credits, expiresAt: now + act.expiresInMs }
    case 'settlement': {
      const { which, credits, allowMore } = act
      return { kind: 'settlement', holdSeq: someHold(log, which), credits, allowMore }
    }
    case 'release':
      return { kind: 'release', holdSeq: someHold(log, act.which) }
    case 'void': {
      const entry = someVoidable(log, act.which)
      return entry && { kind: 'void', voided: voidedCall(entry), reason: 'was wrong' }
    }
  }
}

/** Also of holds that were denied, closed or have expired; a line that is none where there is none yet. */
function someHold(log: readonly SentEntry[], which: number): number {
  const holds = log.filter(({ kind }) => kind === 'hold')
  return holds[holds.length - 1 - (which % Math.max(1, holds.length))]?.seq ?? 1
}

/** A line is voided once: its key sees to that. */
function someVoidable(log: readonly SentEntry[], which: number): SentEntry | null {
  const voided = log.map(({ detail }) => detail?.voided_seq)
  const open = log.filter((e) => e.call !== null && e.reason === null && !voided.includes(e.seq))
  return open[open.length - 1 - (which % Math.max(1, open.length))] ?? null
}

const SECOND_MS = 1_000
const DAY_MS = 86_400_000

const waits = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  // Exactly where windows, holds and grants end.
  {
    weight: 2,
    arbitrary: fc.constantFrom(1, SECOND_MS, 60 * SECOND_MS, 3_600 * SECOND_MS, DAY_MS),
  },
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 2 * SECOND_MS }) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 90 * SECOND_MS }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 2 * 3_600 * SECOND_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 40 * DAY_MS }) },
  // A clock that is set back, and another node's that is behind.
  { weight: 1, arbitrary: fc.integer({ min: -3 * DAY_MS, max: -1 }) },
)

const credits = fc.bigInt({ min: 0n, max: 6n * UNIT })
const which = fc.nat({ max: 5 })

export const calls: fc.Arbitrary<Call> = fc
  .record({
    service: fc.constantFrom('docs', 'docs', 'docs', 'other'),
    endpoint: fc.constantFrom('/convert', '/convert', '/convert', '/blocked'),
    failed: fc.constantFrom(false, false, false, true),
    quantity: fc.constantFrom(UNIT, UNIT, UNIT, 0n, 500_000n, 3n * UNIT),
    fileSizeBytes: fc.option(fc.nat({ max: 1e9 })),
  })
  .map((drawn) => ({ ...PLAIN_CALL, ...drawn }))

const prices = fc.record({ credits, premium: fc.constantFrom(false, false, false, true) })
/** Two keys that may have limits of their own, a member, and nobody. */
const senders = fc.constantFrom(null, -1, 1, 1, 2)
const someCall = (kind: 'call' | 'report') =>
  fc.record({ kind: fc.constant(kind), call: calls, price: prices, senderNo: senders })

const changes: fc.Arbitrary<AccountChange> = fc.record(
  {
    status: fc.constantFrom('active', 'active', 'suspended'),
    planVersionNo: fc.integer({ min: 1, max: TEST_PLANS_COUNT }),
    timeZone: fc.constantFrom('UTC', 'America/New_York', 'Pacific/Auckland'),
    region: fc.constantFrom(null, 'eu'),
  },
  { requiredKeys: [] },
)

const keyLimits: fc.Arbitrary<AccountChange> = fc
  .record({
    keyNo: fc.constantFrom(1, 1, 2),
    limit: fc.constantFrom(null, 0n, UNIT, 2_500_000n, 4n * UNIT),
  })
  .map(({ keyNo, limit }) => ({ keyLimit: { keyNo, limit } }))

const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: someCall('call') },
  { weight: 4, arbitrary: someCall('report') },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('grant' as const),
      credits: fc.bigInt({ min: 1n, max: 12n * UNIT }),
      priority: fc.nat({ max: 2 }),
      // 0 is refused.
      expiresInMs: fc.oneof(
        fc.constantFrom(null, null, 0, 60 * SECOND_MS),
        fc.integer({ min: 1, max: 3_600 * SECOND_MS }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('adjustment' as const),
      credits: fc.bigInt({ min: -8n * UNIT, max: -1n }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('alert' as const),
      alert: fc.integer().map((value) => ({ value })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('hold' as const),
      credits,
      expiresInMs: fc.oneof(
        fc.constantFrom(SECOND_MS, 60 * SECOND_MS),
        fc.integer({ min: 1, max: 600 * SECOND_MS }),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('settlement' as const),
      which,
      credits,
      allowMore: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('release' as const), which }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('void' as const), which }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('change' as const), change: changes }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('change' as const), change: keyLimits }),
  },
)

export const STEPS_MAX = 50

/** A plan to begin on, and what happens then. */
export const histories: fc.Arbitrary<{ plan: TestPlan; steps: Step[] }> = fc.record({
  plan: fc.constantFrom('open', 'hard', 'soft', 'prepaid', 'tight'),
  steps: fc.array(fc.record({ waitMs: waits, act: acts }), { maxLength: STEPS_MAX, size: 'max' }),
})
