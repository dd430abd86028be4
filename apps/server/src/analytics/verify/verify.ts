import type { Queryable } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import { USAGE_DIFFERENCES_TOLD_MAX } from '../../limits.ts'
import { BY_DAY, DIMENSION_CODES, dimensionFromCode, EQUALS, OTHER } from '../dimensions.ts'
import { NO_USAGE, sumOf, type Usage } from '../readings/measures.ts'
import { compareCounters } from './compare-counters.ts'
import { bucketKey, type ExpectedRollups, expectedFrom, keyOf } from './expected.ts'
import { type HourRow, type Position, readBuckets, readHours, readLivePositions } from './store.ts'

export type RollupDifference = { tenantNo: number; what: string }
/** `past`: rows of hours of which the log is no more whole, so that they cannot be compared. */
export type VerifiedRollups = {
  tenants: number
  rows: number
  past: number
  differences: RollupDifference[]
}

/** Makes the rollups of all tenants again, in memory, and compares. `db` should be in one snapshot. */
export async function verifyRollups(db: Queryable): Promise<VerifiedRollups> {
  const positions = await readLivePositions(db)
  const result: VerifiedRollups = { tenants: positions.length, rows: 0, past: 0, differences: [] }
  for (const position of positions) {
    const { tenantNo, foldedSeq } = position
    const log = logOf(db, tenantNo)
    const keptFrom = (await log.cut())?.keptFrom ?? -Infinity
    const expected = await expectedFrom(db, log, position, foldedSeq)
    const found: string[] = []
    for (const [code, values] of expected.usage) {
      const all = await readHours(db, position, code)
      const rows = all.filter(({ hour }) => hour >= keptFrom)
      result.rows += rows.length
      result.past += all.length - rows.length
      found.push(...compareHours(code, keptOf(values, keptFrom), rows))
    }
    found.push(...(await compareBuckets(db, position, expected, { keptFrom, result })))
    const isWhole = expected.lines === foldedSeq
    const counters = await compareCounters(db, position, expected.counters, isWhole)
    result.rows += counters.rows
    found.push(...counters.differences)
    result.differences.push(...told(found).map((what) => ({ tenantNo, what })))
  }
  return result
}

/** What is not in a row of its own must be in the row for what is beyond the bound. */
function compareHours(
  code: number,
  expected: ReadonlyMap<string, Usage>,
  rows: readonly HourRow[],
): string[] {
  const stored = new Map(rows.map((row) => [keyOf(row.hour, row.value), usageFrom(row)]))
  const wanted = new Map<string, Usage>()
  // Each property has its own bound.
  const end = code % BY_DAY === DIMENSION_CODES.property ? EQUALS : ' '
  for (const [key, usage] of expected) {
    const other = `${key.slice(0, key.indexOf(end) + 1)}${OTHER}`
    const place = stored.has(key) || !stored.has(other) ? key : other
    wanted.set(place, sumOf([wanted.get(place) ?? NO_USAGE, usage]))
  }
  return [...new Set([...stored.keys(), ...wanted.keys()])].flatMap((key) => {
    const [is, should] = [stored.get(key) ?? NO_USAGE, wanted.get(key) ?? NO_USAGE]
    const names = (Object.keys(NO_USAGE) as (keyof Usage)[]).filter((n) => is[n] !== should[n])
    return names.map((name) => {
      const level = code < BY_DAY ? 'hour' : 'day'
      const place = `usage by ${dimensionFromCode(code % BY_DAY)} in the ${level} ${timeOf(key)}`
      return `${place}: ${name} is ${is[name]}, by the log ${should[name]}`
    })
  })
}

async function compareBuckets(
  db: Queryable,
  position: Position,
  expected: ExpectedRollups,
  { keptFrom, result }: { keptFrom: number; result: VerifiedRollups },
): Promise<string[]> {
  const all = await readBuckets(db, position)
  const rows = all.filter(({ hour }) => hour >= keptFrom)
  result.rows += rows.length
  result.past += all.length - rows.length
  const buckets = keptOf(expected.buckets, keptFrom, 1)
  const stored = new Map(
    rows.map(({ metric, hour, bucket, calls }) => [bucketKey(metric, hour, bucket), Number(calls)]),
  )
  return [...new Set([...stored.keys(), ...buckets.keys()])].flatMap((key) => {
    const [is, should] = [stored.get(key) ?? 0, buckets.get(key) ?? 0]
    if (is === should) return []
    const start = timeOf(key.slice(key.indexOf(' ') + 1))
    return [`a histogram from ${start} on: a bucket has ${is} calls, by the log ${should}`]
  })
}

/** Those of `keyOf` and `bucketKey` whose hour, the word of that place, is not past. */
function keptOf<T>(values: ReadonlyMap<string, T>, keptFrom: number, word = 0): Map<string, T> {
  const isKept = (key: string) => Number(key.split(' ', word + 1)[word]) >= keptFrom
  return new Map([...values].filter(([key]) => isKept(key)))
}

function timeOf(key: string): string {
  const [hour, ...value] = key.split(' ')
  return [new Date(Number(hour)).toISOString(), ...value].join(' ').trim()
}

/** Where one thing is wrong many are: enough of them to know what. */
function told(found: readonly string[]): string[] {
  if (found.length <= USAGE_DIFFERENCES_TOLD_MAX) return [...found]
  const more = `${found.length - USAGE_DIFFERENCES_TOLD_MAX} more differences in the rollups`
  return [...found.slice(0, USAGE_DIFFERENCES_TOLD_MAX), more]
}

function usageFrom(row: HourRow): Usage {
  return {
    calls: Number(row.calls),
    failed: Number(row.failed),
    denied: Number(row.denied),
    units: BigInt(row.units),
    credits: BigInt(row.credits),
    sized: Number(row.sized),
    bytes: Number(row.bytes),
    timed: Number(row.timed),
    ms: Number(row.ms),
    largestBytes: row.largest_bytes === null ? null : Number(row.largest_bytes),
    lastAt: row.last_at,
  }
}
