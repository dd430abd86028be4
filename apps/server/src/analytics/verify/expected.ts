import type { StoredEntry } from '../../ledger/entry-row.ts'
import type { Log } from '../../ledger/log.ts'
import { USAGE_VALUE_CHARS_MAX, VERIFY_LINES_PER_READ } from '../../limits.ts'
import { DIMENSION_CODES, type Dimension, METRIC_CODES, UNKNOWN_ERROR } from '../dimensions.ts'
import { bucketOf } from '../histogram.ts'
import { NO_USAGE, sumOf, type Usage } from '../readings/usage.ts'

const HOUR_MS = 3_600_000

/** What rollups should say, by dimension, hour and value. */
export class ExpectedRollups {
  readonly #hourZone: string
  readonly hours = new Map<Dimension, Map<string, Usage>>()
  readonly buckets = new Map<string, number>()

  constructor(hourZone: string) {
    this.#hourZone = hourZone
    for (const dimension of Object.keys(DIMENSION_CODES) as Dimension[]) {
      this.hours.set(dimension, new Map())
    }
  }

  /** Of a voided call only what was largest and last stays. */
  add(entry: StoredEntry, voided: boolean): void {
    const { call, recordedAt } = entry
    if (call === null) return
    const at = Math.min(call.occurredAt ?? recordedAt, recordedAt)
    const hour = this.#hourOf(at)
    const usage = usageOf(entry, at, voided)
    for (const [dimension, value] of valuesOf(entry)) {
      if (value === null) continue
      const key = keyOf(hour, value)
      const values = this.hours.get(dimension)!
      values.set(key, sumOf([values.get(key) ?? NO_USAGE, usage]))
    }
    if (voided || entry.reason !== null) return
    this.#count(METRIC_CODES.processing_time, hour, call.processingTimeMs)
    this.#count(METRIC_CODES.file_size, hour, call.fileSizeBytes)
  }

  #count(metric: number, hour: number, amount: number | null): void {
    if (amount === null) return
    const key = bucketKey(metric, hour, bucketOf(amount))
    this.buckets.set(key, (this.buckets.get(key) ?? 0) + 1)
  }

  #hourOf(at: number): number {
    const zoned = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(this.#hourZone)
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
    ['endpoint', [...call!.endpoint].slice(0, USAGE_VALUE_CHARS_MAX).join('')],
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

/** From the log's lines up to `throughSeq`, by code that has nothing in common with the fold's. */
export async function expectedFrom(
  log: Log,
  hourZone: string,
  throughSeq: number,
): Promise<ExpectedRollups> {
  const expected = new ExpectedRollups(hourZone)
  const voids = await log.voids(throughSeq)
  let afterSeq = 0
  while (afterSeq < throughSeq) {
    const entries = await log.after(afterSeq, VERIFY_LINES_PER_READ)
    for (const entry of entries) {
      if (entry.seq <= throughSeq) expected.add(entry, voids.has(entry.seq))
    }
    const last = entries.at(-1)
    if (last === undefined) break
    afterSeq = last.seq
  }
  return expected
}
