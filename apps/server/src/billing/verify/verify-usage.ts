import { isDeepStrictEqual } from 'node:util'
import type { Queryable } from '../../db/pool.ts'
import type { Log } from '../../ledger/log.ts'
import { wireSecond } from '../../lib/wire-period.ts'
import { measurePeriod, type TermsOf } from '../usage/measure.ts'
import { readUsage } from '../usage/store.ts'
import type { Usage } from '../usage/tally.ts'
import type { Span } from '../usage/timeline.ts'
import { readUsagePeriods, readValues } from './store.ts'
import type { Differ } from './types.ts'

export type Agreed = {
  log: Log
  spans: readonly Span[]
  termsOf: TermsOf
  /** Periods that began before are past: their lines are deleted, and they cannot be measured again. */
  keptFrom: number
}

/** What is kept as measured against what the log says up to where it is folded. */
export async function verifyUsage(
  db: Queryable,
  tenantNo: number,
  { log, spans, termsOf, keptFrom }: Agreed,
  foldedSeq: number,
  differ: Differ,
): Promise<void> {
  const known = new Set(spans.map(({ period }) => period.start))
  for (const periodStart of new Set([...known, ...(await readUsagePeriods(db, tenantNo))])) {
    if (periodStart < keptFrom) continue
    const stored = await readUsage(db, tenantNo, [periodStart])
    const tallied = known.has(periodStart)
      ? await measurePeriod(log, spans, termsOf, periodStart, foldedSeq)
      : []
    const of = periodName(periodStart)
    compareUsage(
      stored,
      tallied.map(({ usage }) => usage),
      (what) => differ(of, what),
    )
    const is = (await readValues(db, tenantNo, periodStart)).map(
      ({ hashes, ...row }) =>
        [nameOf({ ...row, planVersionNo: row.plan_version_no }), hashes] as const,
    )
    const should = tallied
      .filter(({ values }) => values.size > 0)
      .map(({ usage, values }) => [nameOf(usage), [...values].sort()] as const)
    const [a, b] = [new Map(is), new Map(should)]
    for (const name of new Set([...a.keys(), ...b.keys()])) {
      if (isDeepStrictEqual(a.get(name), b.get(name))) continue
      differ(of, `${name}: the different values that are kept are not those of the log`)
    }
  }
}

export function periodName(periodStart: number): string {
  return `period from ${wireSecond(periodStart)}`
}

function compareUsage(
  stored: readonly Usage[],
  measured: readonly Usage[],
  differ: (what: string) => void,
): void {
  const [is, should] = [byName(stored), byName(measured)]
  for (const name of new Set([...is.keys(), ...should.keys()])) {
    const [a, b] = [is.get(name), should.get(name)]
    if (a === undefined) differ(`${name} is not kept, the log has ${b!.quantity.toFixed()}`)
    else if (b === undefined) differ(`${name} is ${a.quantity.toFixed()}, the log has none of it`)
    else {
      for (const field of ['quantity', 'lastAt', 'firstSeq', 'lastSeq', 'entries'] as const) {
        const [kept, log] = [String(a[field]), String(b[field])]
        if (kept !== log) differ(`${name}: ${field} is ${kept}, the log makes it ${log}`)
      }
    }
  }
}

function byName(rows: readonly Usage[]): Map<string, Usage> {
  return new Map(rows.map((row) => [nameOf(row), row]))
}

function nameOf(
  row: Pick<Usage, 'planVersionNo' | 'trial' | 'meter' | 'region' | 'feature'>,
): string {
  const { planVersionNo, trial, meter, region, feature } = row
  const group = [region, feature].filter((value) => value !== '').join(', ')
  const where = `plan version number ${planVersionNo}${trial ? ' in its trial' : ''}`
  return `${meter}${group === '' ? '' : ` (${group})`} on ${where}`
}
