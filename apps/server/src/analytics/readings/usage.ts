import type pg from 'pg'
import { USAGE_LOG_LATE_HOURS, USAGE_LOG_LINES_MAX } from '../../limits.ts'
import {
  DIMENSION_CODES,
  type Dimension,
  dimensionFromCode,
  EQUALS,
  METRIC_CODES,
  type Metric,
} from '../dimensions.ts'
import { hourZoneOf } from '../rollups/hour-zone.ts'
import { type Percentiles, percentilesFrom } from './percentiles.ts'
import {
  type Asked,
  type LogStretch,
  readHistograms,
  readLoggedHistograms,
  readLoggedUsage,
  readSeqBefore,
  readUsage,
  type UsageRow,
} from './store.ts'

/** What is counted of some calls. Micro-units and micro-credits are exact. */
export type Usage = {
  calls: number
  failed: number
  denied: number
  units: bigint
  credits: bigint
  sized: number
  bytes: number
  timed: number
  ms: number
  largestBytes: number | null
  lastAt: number | null
}
/** `place`: which stretch, from 0. */
export type UsageOf = Usage & { place: number; dimension: Dimension; value: string }

export const NO_USAGE: Usage = {
  calls: 0,
  failed: 0,
  denied: 0,
  units: 0n,
  credits: 0n,
  sized: 0,
  bytes: 0,
  timed: 0,
  ms: 0,
  largestBytes: null,
  lastAt: null,
}

/** Usage of one tenant in stretches of time, to the last line of its log. */
export type UsageReader = {
  by(dimensions: readonly Dimension[]): Promise<UsageOf[]>
  /** By the values of a property that the catalog counts; `requireCounted` comes first. */
  byProperty(name: string): Promise<UsageOf[]>
  /** By stretch; within 1 %. */
  percentiles(metric: Metric): Promise<Percentiles[]>
}

export type UsageSource = { pool: pg.Pool; tenantNo: number; timeZone: string }

/** @param starts whole hours of the tenant's zone: where stretches begin, and last where the last one ends */
export function hourlyReader(source: UsageSource, starts: readonly number[]): UsageReader {
  return foldedReader(source, starts, null)
}

/** @param starts as above, but days: there are fewer of them to read */
export function dailyReader(source: UsageSource, starts: readonly number[]): UsageReader {
  return foldedReader(source, starts, source.timeZone)
}

function foldedReader(
  { pool, tenantNo, timeZone }: UsageSource,
  starts: readonly number[],
  days: string | null,
): UsageReader {
  const stretches = { tenantNo, starts }
  const zones = { hours: hourZoneOf(timeZone), days }
  const read = (asked: Asked) => readUsage(pool, stretches, asked, zones)
  return {
    ...readersBy(read),
    percentiles: async (metric) => {
      const rows = await readHistograms(pool, stretches, METRIC_CODES[metric], zones)
      return percentilesFrom(rows, starts.length - 1)
    },
  }
}

/**
 * From the lines of the log, of which it reads a bounded number; calls that were recorded more than
 * USAGE_LOG_LATE_HOURS after the last stretch are not seen.
 * @returns null when there are too many lines
 */
export async function loggedReader(
  source: UsageSource,
  starts: readonly number[],
): Promise<UsageReader | null> {
  const { pool, tenantNo } = source
  const stretches = { tenantNo, starts }
  const stretch = await logStretch(source, starts[0]!, starts.at(-1)!)
  if (stretch.through - stretch.after > USAGE_LOG_LINES_MAX) return null
  const read = (asked: Asked) => readLoggedUsage(pool, stretches, asked, stretch)
  return {
    ...readersBy(read),
    percentiles: async (metric) => {
      const rows = await readLoggedHistograms(pool, stretches, METRIC_CODES[metric], stretch)
      return percentilesFrom(rows, starts.length - 1)
    },
  }
}

/** Nothing happens after it is recorded, so no line before `from` is about what came after. */
async function logStretch(
  { pool, tenantNo }: UsageSource,
  from: number,
  to: number,
): Promise<LogStretch> {
  const late = to + USAGE_LOG_LATE_HOURS * 3_600_000
  const [after, through] = await Promise.all([
    readSeqBefore(pool, tenantNo, from),
    readSeqBefore(pool, tenantNo, late),
  ])
  return { after, through, since: from }
}

function readersBy(
  read: (asked: Asked) => Promise<UsageRow[]>,
): Pick<UsageReader, 'by' | 'byProperty'> {
  return {
    by: async (dimensions) =>
      usageFrom(await read({ dimensions: codes(dimensions), property: null })),
    async byProperty(name) {
      const rows = await read({ dimensions: codes(['property']), property: name })
      const from = name.length + EQUALS.length
      return usageFrom(rows.map((row) => ({ ...row, value: row.value.slice(from) })))
    },
  }
}

function codes(dimensions: readonly Dimension[]): number[] {
  return dimensions.map((dimension) => DIMENSION_CODES[dimension])
}

function usageFrom(rows: readonly UsageRow[]): UsageOf[] {
  return rows.map((row) => ({
    place: row.place - 1,
    dimension: dimensionFromCode(row.dimension),
    value: row.value,
    calls: Number(row.calls),
    failed: Number(row.failures),
    denied: Number(row.denials),
    units: BigInt(row.units),
    credits: BigInt(row.credits),
    sized: Number(row.sized),
    bytes: Number(row.bytes),
    timed: Number(row.timed),
    ms: Number(row.ms),
    largestBytes: row.largest_bytes === null ? null : Number(row.largest_bytes),
    lastAt: row.last_at,
  }))
}

/** All that was counted of the same value, together. */
export function sumOf(usages: readonly Usage[]): Usage {
  return usages.reduce(
    (sum, usage) => ({
      calls: sum.calls + usage.calls,
      failed: sum.failed + usage.failed,
      denied: sum.denied + usage.denied,
      units: sum.units + usage.units,
      credits: sum.credits + usage.credits,
      sized: sum.sized + usage.sized,
      bytes: sum.bytes + usage.bytes,
      timed: sum.timed + usage.timed,
      ms: sum.ms + usage.ms,
      largestBytes: larger(sum.largestBytes, usage.largestBytes),
      lastAt: larger(sum.lastAt, usage.lastAt),
    }),
    NO_USAGE,
  )
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}
