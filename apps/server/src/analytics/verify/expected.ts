import type { Queryable } from '../../db/pool.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import type { Log } from '../../ledger/log.ts'
import { USAGE_VALUE_CHARS_MAX, VERIFY_LINES_PER_READ } from '../../limits.ts'
import {
  BY_DAY,
  DIMENSION_CODES,
  type Dimension,
  METRIC_CODES,
  UNKNOWN_ERROR,
} from '../dimensions.ts'
import { bucketOf } from '../histogram.ts'
import { NO_USAGE, sumOf, type Usage } from '../readings/measures.ts'
import { ExpectedCounters } from './expected-counters.ts'
import { readDays } from './store.ts'

const HOUR_MS = 3_600_000

type Zones = { hourZone: string; timeZone: string; properties: readonly string[] }

/** What rollups should say. */
export class ExpectedRollups {
  readonly #zones: Zones
  /** When the day of an hour began, to PostgreSQL, by whose zones rollups go. */
  readonly #days = new Map<number, number>()
  /** By the code of a dimension, and BY_DAY more: by hour or day and value. */
  readonly usage = new Map<number, Map<string, Usage>>()
  readonly buckets = new Map<string, number>()
  readonly counters = new ExpectedCounters()
  /** Lines that the log still has. */
  lines = 0

  constructor(zones: Zones) {
    this.#zones = zones
    for (const code of Object.values(DIMENSION_CODES)) {
      this.usage.set(code, new Map())
      this.usage.set(code + BY_DAY, new Map())
    }
  }

  /** Before these are added. */
  async learnDays(db: Queryable, entries: readonly StoredEntry[]): Promise<void> {
    const all = new Set(
      entries.filter(({ call }) => call !== null).map((one) => this.#hourOf(atOf(one))),
    )
    const hours = [...all].filter((hour) => !this.#days.has(hour))
    if (hours.length === 0) return
    const days = await readDays(db, this.#zones.timeZone, hours)
    for (const [index, hour] of hours.entries()) this.#days.set(hour, days[index]!)
  }

  /** Of a voided call only what was largest and last stays. */
  add(entry: StoredEntry, voided: boolean): void {
    this.lines += 1
    this.counters.add(entry)
    const { call } = entry
    if (call === null) return
    const at = atOf(entry)
    const usage = usageOf(entry, at, voided)
    const hour = this.#hourOf(at)
    const starts = [
      [0, hour],
      [BY_DAY, this.#days.get(hour)!],
    ] as const
    for (const [base, start] of starts) {
      for (const [dimension, value] of [...valuesOf(entry), ...this.#propertiesOf(entry)]) {
        if (value === null) continue
        const values = this.usage.get(base + DIMENSION_CODES[dimension])!
        const key = keyOf(start, value)
        values.set(key, sumOf([values.get(key) ?? NO_USAGE, usage]))
      }
      if (voided || entry.reason !== null) continue
      this.#count(base + METRIC_CODES.processing_time, start, call.processingTimeMs)
      this.#count(base + METRIC_CODES.file_size, start, call.fileSizeBytes)
    }
  }

  #propertiesOf({ call }: StoredEntry): [Dimension, string][] {
    const { properties: names } = this.#zones
    if (names.length === 0 || call!.properties === null) return []
    const properties = new Map(Object.entries(JSON.parse(call!.properties)))
    return names.flatMap((name): [Dimension, string][] => {
      const value = properties.get(name)
      if (!['string', 'number', 'boolean'].includes(typeof value)) return []
      return [['property', shortened(`${name}=${value}`)]]
    })
  }

  #count(metric: number, start: number, amount: number | null): void {
    if (amount === null) return
    const key = bucketKey(metric, start, bucketOf(amount))
    this.buckets.set(key, (this.buckets.get(key) ?? 0) + 1)
  }

  #hourOf(at: number): number {
    const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(
      this.#zones.hourZone,
    )
    const local = at + zoned.offsetNanoseconds / 1e6
    return at - (((local % HOUR_MS) + HOUR_MS) % HOUR_MS)
  }
}

export function keyOf(hour: number, value: string): string {
  return `${hour} ${value}`
}

export function bucketKey(metric: number, hour: number, bucket: number): string {
  return `${metric} ${hour} ${bucket}`
}

function atOf({ call, recordedAt }: StoredEntry): number {
  return Math.min(call!.occurredAt ?? recordedAt, recordedAt)
}

function usageOf(entry: StoredEntry, at: number, voided: boolean): Usage {
  const { call, reason, counted, credits } = entry
  if (reason !== null) return { ...NO_USAGE, denied: 1 }
  const { fileSizeBytes: bytes, processingTimeMs: ms } = call!
  const maxima = { largestBytes: bytes, lastAt: at }
  if (voided) return { ...NO_USAGE, ...maxima }
  return {
    calls: 1,
    failed: call!.failed ? 1 : 0,
    denied: 0,
    units: counted ? call!.quantity : 0n,
    credits: -credits,
    sized: bytes === null ? 0 : 1,
    bytes: bytes ?? 0,
    timed: ms === null ? 0 : 1,
    ms: ms ?? 0,
    ...maxima,
  }
}

function valuesOf({ call, reason, senderNo }: StoredEntry): [Dimension, string | null][] {
  const { fileType, outputFormat, errorCode } = call!
  const failed = call!.failed && reason === null
  const converts = fileType !== null && outputFormat !== null
  return [
    ['total', ''],
    ['service', call!.service],
    ['endpoint', shortened(call!.endpoint)],
    ['method', call!.method],
    ['key', senderNo === null ? null : String(senderNo)],
    ['conversion', converts ? `${fileType}-to-${outputFormat}` : null],
    ['file_type', fileType],
    ['output_format', outputFormat],
    ['status', reason !== null ? 'denied' : failed ? 'failure' : 'success'],
    ['error_code', failed ? (errorCode ?? UNKNOWN_ERROR) : null],
    ['region', call!.region],
    ['feature', call!.feature],
  ]
}

function shortened(value: string): string {
  return [...value].slice(0, USAGE_VALUE_CHARS_MAX).join('')
}

/** From the log's lines up to `throughSeq`, as far as it has them, by code that has nothing in common with the fold's. */
export async function expectedFrom(
  db: Queryable,
  log: Log,
  zones: Zones,
  throughSeq: number,
): Promise<ExpectedRollups> {
  const expected = new ExpectedRollups(zones)
  const voids = await log.voids(throughSeq)
  let afterSeq = (await log.cut())?.account.lastSeq ?? 0
  while (afterSeq < throughSeq) {
    const entries = await log.after(afterSeq, VERIFY_LINES_PER_READ)
    await expected.learnDays(db, entries)
    for (const entry of entries) {
      if (entry.seq <= throughSeq) expected.add(entry, voids.has(entry.seq))
    }
    const last = entries.at(-1)
    if (last === undefined) break
    afterSeq = last.seq
  }
  return expected
}
