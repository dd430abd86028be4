import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { monthStart } from '../../../test/month-start.ts'
import { openAccount } from '../../ledger/account.ts'
import { decideChange } from '../../ledger/changes.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { rollTo } from '../../ledger/lapse.ts'
import { openEntry } from '../../ledger/open.ts'
import type { Account } from '../../ledger/types.ts'
import { type Span, timelineOf } from './timeline.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NO_ALLOWANCE = { allowance: null }
/** The earliest and the latest of all, with and without clocks that change, of halves and quarters of hours. */
const ZONES = [
  'UTC',
  'Etc/GMT+12',
  'Pacific/Kiritimati',
  'America/New_York',
  'America/St_Johns',
  'Europe/Berlin',
  'Asia/Kathmandu',
  'Pacific/Auckland',
] as const

type Move = { waitMs: number; timeZone: string }

const histories = fc.record({
  timeZone: fc.constantFrom(...ZONES),
  startsAt: fc.oneof(
    fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2025, 0, 1) }),
    // The end of February is furthest from the beginning of March.
    fc
      .tuple(fc.constantFrom(2023, 2024), fc.integer({ min: -30 * HOUR_MS, max: 30 * HOUR_MS }))
      .map(([year, ms]) => Date.UTC(year, 2, 1) + ms),
  ),
  moves: fc.array(
    fc.record({
      waitMs: fc.oneof(
        fc.integer({ min: 0, max: 30 * HOUR_MS }),
        fc.integer({ min: 0, max: 40 * DAY_MS }),
        // Over months in which nobody looked.
        fc.integer({ min: 0, max: 120 * DAY_MS }),
      ),
      timeZone: fc.constantFrom(...ZONES),
    }),
    { maxLength: 40, size: 'max' },
  ),
})

/** The log of a tenant that moves, the periods that its account saw, and those of its bills. */
function walk(startsAt: number, timeZone: string, moves: readonly Move[]) {
  const opened = openAccount({
    tenantNo: 7,
    planVersionNo: 1,
    timeZone,
    region: null,
    now: startsAt,
  })
  const about = { tenantNo: 7, senderNo: null }
  const changes: StoredEntry[] = [{ ...openEntry(opened), ...about }]
  const seen: Account['period'][] = [opened.period]
  let account = opened
  let now = startsAt
  for (const move of moves) {
    now += move.waitMs
    account = rollTo(account, NO_ALLOWANCE, now)
    const command = { kind: 'change', change: { timeZone: move.timeZone } } as const
    const step = decideChange(account, command, now)
    assert.ok(step.refusal === null)
    const { call, credits, counted, overage, cost, reason, detail } = step.line
    const seq = changes.length + 1
    const line = { call, credits, counted, overage, cost, reason, detail }
    const entry = {
      ...line,
      seq,
      kind: 'change',
      recordedAt: now,
      remaining: 0n,
      used: 0n,
    } as const
    changes.push({ ...entry, ...about })
    account = { ...step.account, lastSeq: seq, lastAt: now }
    seen.push(account.period)
  }
  return { seen, spans: timelineOf(changes, now + 400 * DAY_MS) }
}

function periodsOf(spans: readonly Span[]) {
  return [...new Map(spans.map(({ period }) => [period.start, period])).values()]
}

const property = (law: (walked: ReturnType<typeof walk> & { startsAt: number }) => void) =>
  fc.assert(
    fc.property(histories, ({ startsAt, timeZone, moves }) => {
      law({ startsAt, ...walk(startsAt, timeZone, moves) })
    }),
    { numRuns: 300 },
  )

test('wherever and whenever a tenant moves, its periods follow each other without a gap', () => {
  property(({ spans }) => {
    const periods = periodsOf(spans)
    for (const [index, { start }] of periods.entries()) {
      if (index > 0) assert.equal(start, periods[index - 1]!.end)
    }
    for (const [index, { from, period }] of spans.entries()) {
      assert.equal(from, spans[index - 1]?.to ?? period.start)
    }
  })
})

test('no period is shorter than 27 days or longer than 35, but for the hour by which clocks are set', () => {
  property(({ spans }) => {
    for (const { start, end } of periodsOf(spans)) {
      const ms = end - start
      const isMonth = ms >= 27 * DAY_MS - HOUR_MS && ms <= 35 * DAY_MS + HOUR_MS
      assert.ok(isMonth, `${ms / DAY_MS} days`)
    }
  })
})

test('periods keep to the months of the first day, so that a year has twelve, and twelve fees', () => {
  property(({ spans, startsAt }) => {
    for (const [index, { start }] of periodsOf(spans).entries()) {
      const days = (start - monthStart(startsAt, 'UTC', index)) / DAY_MS
      assert.ok(Math.abs(days) < 5, `period ${index} is ${days} days off`)
    }
  })
})

test('the account and the bill see the same periods, also after months in which nobody looked', () => {
  property(({ seen, spans }) => {
    const billed = new Map(periodsOf(spans).map((period) => [period.start, period]))
    for (const period of seen) assert.deepEqual(billed.get(period.start), period)
  })
})

test('a period is shown by the zone that it began with, and one of an older log as it was', () => {
  const startsAt = Date.parse('2025-01-15T12:00:00Z')
  const opened = openAccount({
    tenantNo: 7,
    planVersionNo: 1,
    timeZone: 'UTC',
    region: null,
    now: startsAt,
  })
  const about = { tenantNo: 7, senderNo: null }
  const shown = (detail: Record<string, unknown>) => {
    const open = openEntry(opened)
    const line = { ...open, seq: 2, kind: 'change', recordedAt: startsAt + DAY_MS, detail } as const
    const changes = [open, line].map((entry): StoredEntry => ({ ...entry, ...about }))
    return timelineOf(changes, startsAt + 40 * DAY_MS).map(({ period, timeZone }) => {
      const ends = [period.start, period.end].map((at) => new Date(at).toISOString().slice(0, 16))
      return [...ends, timeZone]
    })
  }
  const time_zone = 'America/New_York'
  assert.deepEqual(shown({ time_zone, zone_from: 'next_period' }), [
    ['2025-01-15T00:00', '2025-02-15T00:00', 'UTC'],
    ['2025-02-15T00:00', '2025-03-15T04:00', time_zone],
  ])
  assert.deepEqual(shown({ time_zone }), [
    ['2025-01-15T00:00', '2025-02-15T05:00', time_zone],
    ['2025-02-15T05:00', '2025-03-15T04:00', time_zone],
  ])
})
