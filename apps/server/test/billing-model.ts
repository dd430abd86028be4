import { rateCharges } from '../src/billing/pricing/rate-charges.ts'
import type { ChargeLine, PartOfPeriod, Reading } from '../src/billing/pricing/types.ts'
import type { PlanTerms } from '../src/catalog/types.ts'
import type { AccountChange, Call } from '../src/ledger/types.ts'
import { type Decimal, decimalFromMicros, NOTHING, parseExact } from '../src/lib/money.ts'
import { type Period, periodAt } from '../src/lib/periods.ts'
import { monthStart } from './month-start.ts'

/** What the log took in: allowed calls, voids of them, changes. `at` is when it was recorded. */
export type ModelLine = { seq: number; at: number } & (
  | { kind: 'call'; call: Call; counted: boolean }
  | { kind: 'void'; voidedSeq: number }
  | { kind: 'change'; change: AccountChange }
)

type Opening = { at: number; planVersionNo: number; timeZone: string; trialEnd: number | null }
type State = {
  planVersionNo: number
  timeZone: string
  subscription: 'active' | 'paused' | 'canceled'
  pending: AccountChange['pending']
  trialEnd: number | null
  period: Period
  /** How many months it is after the first. */
  month: number
}
type Segment = { from: number; to: number; state: State; phase: Phase }
type Phase = State['subscription'] | 'trial'

/** Everything that was measured under one key, in the order of the log. */
export type ModelUsage = Map<string, string>

/**
 * What a tenant should be billed, by a second opinion: it keeps the list of everything that happened,
 * and answers each question by going through all of it again. Slow, and shares nothing with the fold
 * but the calendar and the rating of charges.
 */
export class BillingModel {
  readonly lines: ModelLine[] = []
  private readonly opening: Opening
  private readonly termsOf: (planVersionNo: number) => PlanTerms

  constructor(opening: Opening, termsOf: (planVersionNo: number) => PlanTerms) {
    this.opening = opening
    this.termsOf = termsOf
  }

  /** Starts of all periods up to the one that contains `now`. */
  periods(now: number): Period[] {
    const starts = new Map<number, Period>()
    for (let at = this.first().start; at <= now; ) {
      const { period } = this.stateAt(at, 0)
      starts.set(period.start, period)
      at = period.end
    }
    return [...starts.values()]
  }

  /** By period, plan, trial, meter, region and feature: what was measured. */
  usage(): ModelUsage {
    const usage: ModelUsage = new Map()
    for (const { key, aggregation, values } of this.measured()) {
      usage.set(key, aggregate(aggregation, values).toFixed())
    }
    return usage
  }

  /** What the period of `start` comes to, by plan version, with all that is known. */
  bill(start: number, now: number, currency = 'USD'): Map<number, Decimal> {
    const segments = this.segmentsOf(start, now)
    const { period } = segments.at(-1)!.state
    const measured = this.measured().filter(
      ({ periodStart, trial }) => periodStart === start && !trial,
    )
    const versions = new Set([
      ...segments.map(({ state }) => state.planVersionNo),
      ...measured.map(({ planVersionNo }) => planVersionNo),
    ])
    const bill = new Map<number, Decimal>()
    for (const version of versions) {
      const own = segments.map((segment) =>
        segment.state.planVersionNo === version ? segment : null,
      )
      const price = this.termsOf(version).prices.get(currency)!
      const readings = this.readingsOf(version, measured)
      const rate = (part: PartOfPeriod | null, only: 'in_advance' | 'in_arrears' | 'usage') =>
        rateCharges({ price, readings, part, only })
      const partOf = ({ from, to }: { from: number; to: number }): PartOfPeriod => {
        const [from_ms, to_ms] = [from - period.start, to - period.start]
        return { from_ms, to_ms, whole_ms: period.end - period.start }
      }
      const active = runs(own, (phase) => phase === 'active')
      const length = active.reduce((sum, { from, to }) => sum + to - from, 0)
      const lines: ChargeLine[] = [
        ...owed(own).flatMap((run) => rate(partOf(run), 'in_advance')),
        ...active.flatMap((run) => rate(partOf(run), 'in_arrears')),
        ...rate({ from_ms: 0, to_ms: length, whole_ms: period.end - period.start }, 'usage'),
      ]
      const charged = own.some(
        (segment) => segment !== null && segment.phase !== 'trial' && segment.to > segment.from,
      )
      const used = measured.some(({ planVersionNo }) => planVersionNo === version)
      bill.set(
        version,
        charged || used ? sum(lines.map(({ amount }) => parseExact(amount))) : NOTHING,
      )
    }
    return bill
  }

  private first(): Period {
    return periodAt(this.opening.at, this.opening.timeZone, this.opening.at)
  }

  /** As it stood at a time, before the line `seq` where several things happened at that time. */
  private stateAt(at: number, seq: number): State {
    const { planVersionNo, timeZone, trialEnd } = this.opening
    const subscription = 'active' as const
    let state: State = {
      planVersionNo,
      timeZone,
      trialEnd,
      subscription,
      pending: null,
      period: this.first(),
      month: 0,
    }
    for (const line of this.lines) {
      if (line.kind !== 'change') continue
      if (line.at > at || (line.at === at && line.seq >= seq)) break
      state = this.changed(this.rolled(state, line.at), line.change)
    }
    return this.rolled(state, at)
  }

  private rolled(state: State, at: number): State {
    let rolled = state
    while (rolled.period.end <= at) {
      const { pending } = rolled
      const month = rolled.month + 1
      const end = monthStart(this.opening.at, rolled.timeZone, month + 1)
      rolled = { ...rolled, month, period: { start: rolled.period.end, end }, pending: null }
      if (pending) {
        const ends = pending.planVersionNo === null
        if (ends) rolled = { ...rolled, subscription: 'canceled' }
        else rolled = { ...rolled, planVersionNo: pending.planVersionNo! }
      }
    }
    return rolled
  }

  private changed(state: State, change: AccountChange): State {
    const timeZone = change.timeZone ?? state.timeZone
    let { pending = state.pending } = change
    if (change.planVersionNo !== undefined && change.pending === undefined) pending = null
    if (change.subscription === 'canceled') pending = null
    return {
      planVersionNo: change.planVersionNo ?? state.planVersionNo,
      timeZone,
      subscription: change.subscription ?? state.subscription,
      pending,
      trialEnd: change.trialEnd ?? state.trialEnd,
      period: state.period,
      month: state.month,
    }
  }

  /** The period in pieces in each of which nothing changed, also those of no length. */
  private segmentsOf(start: number, now: number): Segment[] {
    const cuts = this.lines.filter(({ kind }) => kind === 'change')
    const segments: Segment[] = []
    let [from, seq] = [start, 0]
    for (;;) {
      const state = this.stateAt(from, seq)
      if (state.period.start !== start) return segments
      const next = cuts.find((line) => line.at > from || (line.at === from && line.seq >= seq))
      const ends = [state.period.end, next?.at ?? Number.POSITIVE_INFINITY]
      const trialEnds = state.trialEnd !== null && state.trialEnd > from
      if (trialEnds) ends.push(state.trialEnd!)
      const to = Math.min(...ends)
      const phase = state.subscription === 'active' && trialEnds ? 'trial' : state.subscription
      segments.push({ from, to, state, phase })
      if (to >= state.period.end) return segments
      if (next?.at === to) seq = next.seq + 1
      else seq = 0
      if (now < start) return segments
      from = to
    }
  }

  private measured() {
    const found = new Map<
      string,
      {
        key: string
        periodStart: number
        planVersionNo: number
        trial: boolean
        meter: string
        region: string
        feature: string
        aggregation: Aggregation
        values: { at: number; value: Decimal | string }[]
      }
    >()
    const voided = new Set(this.lines.map((line) => (line.kind === 'void' ? line.voidedSeq : -1)))
    for (const line of this.lines) {
      if (line.kind !== 'call') continue
      const { occurredAt, selfReported } = line.call
      // Nobody may choose when they pay.
      const happened = selfReported ? line.at : Math.min(occurredAt ?? line.at, line.at)
      const at = Math.max(happened, this.first().start)
      // What is older than the log belongs to its very beginning, before whatever changed in that instant.
      const state = this.stateAt(at, happened < at ? 0 : line.seq)
      const trial =
        state.subscription === 'active' && state.trialEnd !== null && at < state.trialEnd
      const { planVersionNo } = state
      for (const { meter, aggregation, region, feature, value } of readingsOf(
        line,
        this.termsOf(planVersionNo).plan,
      )) {
        const periodStart = state.period.start
        const key = JSON.stringify([periodStart, planVersionNo, trial, meter, region, feature])
        const before = found.get(key)
        const row = before ?? {
          key,
          periodStart,
          planVersionNo,
          trial,
          meter,
          region,
          feature,
          aggregation,
          values: [],
        }
        found.set(key, row)
        if (!voided.has(line.seq)) row.values.push({ at: happened, value })
      }
    }
    return [...found.values()]
  }

  private readingsOf(version: number, measured: ReturnType<BillingModel['measured']>) {
    const readings = new Map<string, Reading[]>(
      ['units', 'credits', 'overage_credits', ...METERS_OF[this.termsOf(version).plan]!].map(
        (name) => [name, []],
      ),
    )
    for (const { planVersionNo, meter, region, feature, aggregation, values } of measured) {
      if (planVersionNo !== version) continue
      readings
        .get(meter)!
        .push({ group: { region, feature }, quantity: aggregate(aggregation, values) })
    }
    return readings
  }
}

type Aggregation = 'sum' | 'max' | 'last' | 'unique' | 'count'

/** Which meters the plans of billing-plans.ts have. */
const METERS_OF: Record<string, string[]> = {
  base: ['pages', 'users'],
  tiered: ['peak', 'level'],
  bulk: ['errors', 'users'],
}

function readingsOf({ call, counted }: Extract<ModelLine, { kind: 'call' }>, plan: string) {
  const properties = JSON.parse(call.properties ?? '{}') as Record<string, unknown>
  const none = { region: '', feature: '' }
  const quantity = decimalFromMicros(call.quantity)
  const all: {
    meter: string
    aggregation: Aggregation
    region: string
    feature: string
    value: Decimal | string | null
  }[] = [
    {
      meter: 'units',
      aggregation: 'sum',
      ...none,
      value: counted && !quantity.isZero() ? quantity : null,
    },
    {
      meter: 'pages',
      aggregation: 'sum',
      region: call.region ?? '',
      feature: call.feature ?? '',
      value: counted ? quantity : null,
    },
    {
      meter: 'peak',
      aggregation: 'max',
      ...none,
      value: counted && call.tokenCount !== null ? parseExact(String(call.tokenCount)) : null,
    },
    {
      meter: 'level',
      aggregation: 'last',
      ...none,
      value: counted && typeof properties.level === 'string' ? parseExact(properties.level) : null,
    },
    {
      meter: 'users',
      aggregation: 'unique',
      ...none,
      value: counted && typeof properties.user === 'string' ? properties.user : null,
    },
    { meter: 'errors', aggregation: 'count', ...none, value: call.failed ? parseExact('1') : null },
  ]
  const own = ['units', ...METERS_OF[plan]!]
  return all.flatMap((row) =>
    own.includes(row.meter) && row.value !== null ? [{ ...row, value: row.value }] : [],
  )
}

function aggregate(
  aggregation: Aggregation,
  values: { at: number; value: Decimal | string }[],
): Decimal {
  const numbers = values.map(({ value }) => value as Decimal)
  switch (aggregation) {
    case 'sum':
    case 'count':
      return sum(numbers)
    case 'max':
      return numbers.reduce((most, value) => (value.gt(most) ? value : most), NOTHING)
    case 'last': {
      const latest = Math.max(...values.map(({ at }) => at))
      return (values.findLast(({ at }) => at === latest)?.value as Decimal | undefined) ?? NOTHING
    }
    case 'unique':
      return parseExact(String(new Set(values.map(({ value }) => value)).size))
  }
}

/** Stretches without a gap in which it holds. */
function runs(own: (Segment | null)[], holds: (phase: Phase) => boolean) {
  const found: { from: number; to: number }[] = []
  for (const segment of own) {
    if (segment === null || segment.from === segment.to || !holds(segment.phase)) continue
    const before = found.at(-1)
    if (before?.to === segment.from) before.to = segment.to
    else found.push({ from: segment.from, to: segment.to })
  }
  return found
}

/** From when the plan is active on, until another one or a trial takes its place. */
function owed(own: (Segment | null)[]) {
  return runs(own, (phase) => phase !== 'trial').flatMap((run) => {
    const active = own.find(
      (segment) =>
        segment !== null &&
        segment.phase === 'active' &&
        segment.from >= run.from &&
        segment.to <= run.to &&
        segment.to > segment.from,
    )
    return active == null ? [] : [{ from: active.from, to: run.to }]
  })
}

function sum(values: readonly Decimal[]): Decimal {
  return values.reduce((before, value) => before.add(value), NOTHING)
}
