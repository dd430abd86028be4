import { createHash } from 'node:crypto'
import { type Decimal, NOTHING } from '../../lib/money.ts'
import type { Aggregation, Contribution } from './meters.ts'
import type { Span } from './timeline.ts'

/** What was measured by one meter in one period on one plan. */
export type Usage = {
  readonly periodStart: number
  readonly planVersionNo: number
  readonly trial: boolean
  readonly meter: string
  readonly region: string
  readonly feature: string
  readonly quantity: Decimal
  /** Of a meter that takes the last value: when that happened. */
  readonly lastAt: number | null
  /** The lines that it was measured from, voids included. */
  readonly firstSeq: number
  readonly lastSeq: number
  readonly entries: number
}

export type Tallied = {
  usage: Usage
  readonly aggregation: Aggregation
  /** Hashes of the different values that were seen here. */
  readonly values: Set<string>
}

/** When and by which line something is measured. */
type Line = { seq: number; at: number }

/** Adds up lines in the order of the log; the same lines give the same in one go as in several. */
export class Tally {
  private readonly rows = new Map<string, Tallied>()

  get all(): Tallied[] {
    return [...this.rows.values()]
  }

  /** @param voidSeq the line that voids it, where that is known already: then it only counts as seen */
  add(span: Span, line: Line, contribution: Contribution, voidSeq: number | null = null): void {
    const row = this.rowOf(span, line.seq, contribution)
    if (voidSeq === null) row.usage = measured(row, line, contribution)
    else row.usage = seen(row.usage, voidSeq, 2)
  }

  /** What is measured by adding up is taken back; of anything else the void is only seen. */
  subtract(span: Span, voidSeq: number, contribution: Contribution): void {
    const row = this.rowOf(span, voidSeq, contribution)
    const { quantity } = row.usage
    const less = isAdditive(contribution.aggregation)
      ? quantity.sub(contribution.value as Decimal)
      : quantity
    row.usage = seen({ ...row.usage, quantity: less }, voidSeq, 1)
  }

  private rowOf(span: Span, seq: number, { meter, region, feature, aggregation }: Contribution) {
    const trial = span.state === 'trial'
    const { period, planVersionNo } = span
    const key = `${period.start} ${planVersionNo} ${trial} ${meter}\n${region}\n${feature}`
    let row = this.rows.get(key)
    if (row === undefined) {
      const usage = {
        periodStart: period.start,
        planVersionNo,
        trial,
        meter,
        region,
        feature,
        quantity: NOTHING,
        lastAt: null,
        firstSeq: seq,
        lastSeq: seq,
        entries: 0,
      }
      row = { usage, aggregation, values: new Set() }
      this.rows.set(key, row)
    }
    return row
  }
}

export function isAdditive(aggregation: Aggregation): boolean {
  return aggregation === 'sum' || aggregation === 'count'
}

/**
 * What was measured before with what was measured after it.
 * @param newValues how many of the different values had not been seen before
 */
export function merged(before: Usage, { usage, aggregation }: Tallied, newValues: number): Usage {
  const both = {
    ...before,
    firstSeq: Math.min(before.firstSeq, usage.firstSeq),
    lastSeq: Math.max(before.lastSeq, usage.lastSeq),
    entries: before.entries + usage.entries,
  }
  switch (aggregation) {
    case 'sum':
    case 'count':
      return { ...both, quantity: before.quantity.add(usage.quantity) }
    case 'max':
      return { ...both, quantity: larger(before.quantity, usage.quantity) }
    case 'last':
      return (usage.lastAt ?? -1) >= (before.lastAt ?? -1)
        ? { ...both, quantity: usage.quantity, lastAt: usage.lastAt }
        : both
    case 'unique':
      return { ...both, quantity: before.quantity.add(newValues) }
  }
}

function measured(row: Tallied, { seq, at }: Line, { value }: Contribution): Usage {
  const usage = seen(row.usage, seq, 1)
  switch (row.aggregation) {
    case 'sum':
    case 'count':
      return { ...usage, quantity: usage.quantity.add(value as Decimal) }
    case 'max':
      return { ...usage, quantity: larger(usage.quantity, value as Decimal) }
    case 'last':
      return at >= (usage.lastAt ?? -1)
        ? { ...usage, quantity: value as Decimal, lastAt: at }
        : usage
    case 'unique': {
      row.values.add(hashOf(value as string))
      return { ...usage, quantity: NOTHING.add(row.values.size) }
    }
  }
}

function seen(usage: Usage, seq: number, entries: number): Usage {
  return { ...usage, lastSeq: Math.max(usage.lastSeq, seq), entries: usage.entries + entries }
}

function larger(a: Decimal, b: Decimal): Decimal {
  return a.gt(b) ? a : b
}

/** 128 bits: values may be long, and their number is what is paid for. */
function hashOf(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 32)
}
