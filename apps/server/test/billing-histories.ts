import fc from 'fast-check'
import type { AccountChange, Call } from '../src/ledger/types.ts'
import { PLAIN_CALL, UNIT } from './ledger-accounts.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
export const HISTORY_PLANS = ['base', 'tiered', 'bulk'] as const
export type HistoryPlan = (typeof HISTORY_PLANS)[number]

/** A change as it is drawn: plans by name, times from when its turn comes. */
export type DrawnChange =
  | { plan: HistoryPlan }
  | { pending: HistoryPlan | 'end' | 'none' }
  | { subscription: NonNullable<AccountChange['subscription']> }
  | { trialEndsInMs: number }
  | { timeZone: string }

export type Act =
  /** `own`: its tenant sent it, else a service. */
  | { kind: 'call'; call: Call; agoMs: number | null; own: boolean }
  | { kind: 'void'; which: number }
  | { kind: 'change'; change: DrawnChange }
  | { kind: 'fold'; linesMax: number; twice: boolean }
  | { kind: 'close' }

export type BillingStep = { waitMs: number; act: Act }
export type BillingHistory = {
  plan: HistoryPlan
  timeZone: string
  startsAt: number
  steps: BillingStep[]
}

const zones = fc.constantFrom('UTC', 'America/New_York', 'Pacific/Auckland')
const plans = fc.constantFrom(...HISTORY_PLANS)

const calls: fc.Arbitrary<Call> = fc
  .record({
    failed: fc.constantFrom(false, false, false, true),
    quantity: fc.constantFrom(UNIT, UNIT, 0n, 500_000n, 3n * UNIT),
    region: fc.constantFrom(null, 'eu', 'us'),
    feature: fc.constantFrom(null, 'ocr'),
    tokenCount: fc.option(fc.nat({ max: 500 })),
    properties: fc.constantFrom(
      null,
      '{"user":"ada"}',
      '{"user":"bob","level":"12.5"}',
      '{"level":"40"}',
    ),
  })
  .map((drawn) => ({ ...PLAIN_CALL, ...drawn }))

const changes: fc.Arbitrary<DrawnChange> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ plan: plans }) },
  {
    weight: 3,
    arbitrary: fc.record({
      pending: fc.constantFrom(...HISTORY_PLANS, 'end' as const, 'none' as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      subscription: fc.constantFrom(
        'paused' as const,
        'active' as const,
        'active' as const,
        'canceled' as const,
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ trialEndsInMs: fc.integer({ min: 1, max: 20 * DAY_MS }) }),
  },
  { weight: 1, arbitrary: fc.record({ timeZone: zones }) },
)

const acts: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      call: calls,
      // Also about the future, which is as if it were now, and about before there was a log.
      agoMs: fc.oneof(
        { weight: 4, arbitrary: fc.constant(null) },
        { weight: 4, arbitrary: fc.integer({ min: 0, max: 70 * DAY_MS }) },
        { weight: 1, arbitrary: fc.integer({ min: -DAY_MS, max: 0 }) },
      ),
      own: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('void' as const), which: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('change' as const), change: changes }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fold' as const),
      linesMax: fc.integer({ min: 1, max: 7 }),
      twice: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
)

const waits = fc.oneof(
  { weight: 4, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: DAY_MS }) },
  { weight: 3, arbitrary: fc.integer({ min: DAY_MS, max: 20 * DAY_MS }) },
  { weight: 1, arbitrary: fc.integer({ min: 20 * DAY_MS, max: 70 * DAY_MS }) },
)

export const billingHistories: fc.Arbitrary<BillingHistory> = fc.record({
  plan: plans,
  timeZone: zones,
  // Ends of months, of a leap year as well, and days on which clocks change.
  startsAt: fc
    .constantFrom(
      '2024-01-31T21:17:05.250Z',
      '2023-12-29T05:00:00.000Z',
      '2024-02-29T12:00:00.000Z',
      '2025-03-09T06:59:59.999Z',
      '2025-10-30T11:00:00.000Z',
      '2025-04-05T13:00:00.000Z',
    )
    .map((text) => Date.parse(text)),
  steps: fc.array(fc.record({ waitMs: waits, act: acts }), { maxLength: 30, size: 'max' }),
})
