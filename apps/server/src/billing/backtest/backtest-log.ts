import type { OtherCatalog } from '../../catalog/other-catalog.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import type { Log } from '../../ledger/log.ts'
import type { Decimal } from '../../lib/money.ts'
import { parseExact } from '../../lib/money.ts'
import { BACKTEST_LINES_PER_READ } from '../../limits.ts'
import { ratePeriod } from '../invoices/rate-period.ts'
import { currencyOf } from '../currency.ts'
import { totalInvoice } from '../pricing/totals.ts'
import type { Profile } from '../profile/types.ts'
import { addTo, type TermsOf } from '../usage/measure.ts'
import { Tally } from '../usage/tally.ts'
import { lasting, type Span, spanAt } from '../usage/timeline.ts'
import { periodsIn, type Range } from './range.ts'
import { Replay } from './replay.ts'
import { type InForce, otherTerms } from './versions.ts'

export type PeriodBacktest = {
  readonly start: number
  readonly plan: string
  readonly currency: string
  /** Before discounts and tax. */
  readonly now: Decimal
  readonly otherwise: Decimal
  /** Calls that were allowed and would be denied, and the other way round. */
  readonly allowedToDenied: number
  readonly deniedToAllowed: number
  /** Lines that could not have been carried out at all, and were left out. */
  readonly refused: number
}

export type LogBacktest = {
  readonly periods: readonly PeriodBacktest[]
  /** Plans that the other catalog lacks: their terms stay. */
  readonly keptPlans: readonly string[]
}

export type LogToBacktest = InForce & {
  readonly log: Log
  readonly profile: Pick<Profile, 'currency' | 'minimumCommitment'>
  readonly other: OtherCatalog
  readonly range: Range
  /** The log up to this line. */
  readonly throughSeq: number
  /** Told how many more lines were gone through. */
  onLines?: (lines: number) => void
}

type Counts = { allowedToDenied: number; deniedToAllowed: number; refused: number }

/**
 * What the periods of a range cost by one log and by the log that it would have been under the other
 * catalog. Both are measured and rated by the rules of invoices. Holds a page of lines at a time.
 * Periods whose lines are past retention are left out; what follows begins with the account as it was then.
 */
export async function backtestLog(toTest: LogToBacktest): Promise<LogBacktest> {
  const { log, spans, termsOf, profile, other, range, throughSeq, onLines } = toTest
  const cut = await log.cut()
  const periods = periodsIn(spans, range).filter(({ start }) => start >= (cut?.keptFrom ?? start))
  const wanted = new Map(periods.map(({ start }) => [start, emptyCounts()]))
  const currency = currencyOf(profile, termsOf(spans[0]!.planVersionNo))
  const terms = otherTerms(other, toTest, currency)
  if (periods.length === 0) {
    onLines?.(throughSeq)
    return { periods: [], keptPlans: terms.keptPlans }
  }
  const voids = await log.voids(throughSeq)
  const replay = new Replay(terms, voids, cut?.account ?? null)
  const [now, otherwise] = [new Tally(), new Tally()]
  const add = (entry: StoredEntry) => {
    const span = spanAt(spans, entry)
    const counts = wanted.get(span.period.start)
    const { line, refused } = replay.next(entry)
    if (counts === undefined) return
    const voidSeq = voids.get(entry.seq) ?? null
    addTo(now, span, entry, termsOf, voidSeq)
    // Of the line as it is: spans begin with lines of this log, and the other numbers its own.
    const instead = spanAt(terms.spans, entry)
    if (line !== null) addTo(otherwise, instead, line, terms.termsOf, voidSeq)
    count(counts, entry, line, refused)
  }
  await eachLine(log, { afterSeq: cut?.account.lastSeq ?? 0, throughSeq }, add, onLines)
  const { minimumCommitment } = profile
  return {
    keptPlans: terms.keptPlans,
    periods: periods.map(({ start }) => {
      const side = { start, currency, minimumCommitment }
      const last = spans.findLast(({ period }) => period.start === start)!
      return {
        start,
        plan: termsOf(last.planVersionNo).plan,
        currency,
        now: amountOf({ ...side, spans, termsOf, tally: now }),
        otherwise: amountOf({
          ...side,
          spans: terms.spans,
          termsOf: terms.termsOf,
          tally: otherwise,
        }),
        ...wanted.get(start)!,
      }
    }),
  }
}

async function eachLine(
  log: Log,
  { afterSeq: begin, throughSeq }: { afterSeq: number; throughSeq: number },
  add: (entry: StoredEntry) => void,
  onLines: LogToBacktest['onLines'],
): Promise<void> {
  let afterSeq = begin
  while (afterSeq < throughSeq) {
    const limit = Math.min(BACKTEST_LINES_PER_READ, throughSeq - afterSeq)
    const entries = await log.after(afterSeq, limit)
    if (entries.length === 0) return
    for (const entry of entries) add(entry)
    onLines?.(entries.length)
    afterSeq = entries.at(-1)!.seq
  }
}

function count(
  counts: Counts,
  entry: StoredEntry,
  line: StoredEntry | null,
  refused: boolean,
): void {
  if (refused) counts.refused += 1
  if (entry.kind !== 'call' || line === null) return
  if (entry.reason === null && line.reason !== null) counts.allowedToDenied += 1
  if (entry.reason !== null && line.reason === null) counts.deniedToAllowed += 1
}

function emptyCounts(): Counts {
  return { allowedToDenied: 0, deniedToAllowed: 0, refused: 0 }
}

type Side = {
  start: number
  spans: readonly Span[]
  termsOf: TermsOf
  tally: Tally
  currency: string
  minimumCommitment: string | null
}

/** As an invoice of the period comes to it, before discounts and tax. */
function amountOf({ start, spans, termsOf, tally, currency, minimumCommitment }: Side): Decimal {
  const own = spans.filter(({ period }) => period.start === start)
  const usage = tally.all.map((row) => row.usage).filter((row) => row.periodStart === start)
  const lines = ratePeriod({ spans: own, usage, termsOf, currency })
  const isBilled = lines.length > 0 || lasting(own).some(({ state }) => state !== 'canceled')
  const least = isBilled ? minimumCommitment : null
  return parseExact(totalInvoice({ currency, lines, minimumCommitment: least }).subtotal)
}
