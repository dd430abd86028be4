import { METRIC_CODES, type Metric } from '../dimensions.ts'
import { plus, type UsageOf } from './measures.ts'
import { numbersFrom, unpackedUsage } from './packed.ts'
import type { Histogram } from './percentiles.ts'
import type { TailRow } from './store.ts'

/**
 * What the lines of a log say that are not folded, by the hour, as rollups have it. Never changed: what
 * comes to it makes another one, so whoever reads is not disturbed by who reads beside it.
 */
export type Tail = {
  /** Of the rollups that it goes on from; null: from none, so that all there is is in it. */
  generation: number | null
  foldedSeq: number
  foldedAt: number | null
  /** Whose days the rollups have. */
  timeZone: string | null
  /** That are counted by. */
  properties: readonly string[]
  /** The last line in it. */
  throughSeq: number
  /** Their place is the hour, ms. */
  usage: ReadonlyMap<string, UsageOf>
  /** Calls by bucket, of each metric and hour. */
  histograms: ReadonlyMap<string, ReadonlyMap<number, number>>
}

// Each with its place in a map.
const TAIL_BYTES = 500
const ROW_BYTES = 400
const BUCKET_BYTES = 40

/** @param known what the row goes on from, where it does */
export function tailFrom(row: TailRow, known: Tail | null): Tail {
  const before = row.goes_on ? known : null
  return {
    generation: row.generation,
    foldedSeq: Number(row.folded_seq),
    foldedAt: row.folded_at,
    timeZone: row.time_zone,
    properties: row.properties,
    throughSeq: Number(row.through_seq),
    usage: withUsage(before?.usage ?? new Map(), row),
    histograms: withHistograms(before?.histograms ?? new Map(), row),
  }
}

/** About how much memory it takes. */
export function bytesOf({ usage, histograms }: Tail): number {
  const buckets = [...histograms.values()].reduce((sum, { size }) => sum + size, 0)
  return TAIL_BYTES + usage.size * ROW_BYTES + buckets * BUCKET_BYTES
}

function withUsage(before: Tail['usage'], { usage }: TailRow): Tail['usage'] {
  if (usage.place === null) return before
  const after = new Map(before)
  for (const one of unpackedUsage(usage, (hour) => hour)) {
    const key = `${one.dimension} ${one.place} ${one.value}`
    const there = after.get(key)
    after.set(key, there === undefined ? one : plus(there, one))
  }
  return after
}

function withHistograms(before: Tail['histograms'], row: TailRow): Tail['histograms'] {
  const after = new Map(before)
  for (const one of row.histograms) {
    const key = `${one.metric} ${one.place}`
    const counts = new Map(before.get(key))
    const calls = numbersFrom(one.calls)
    for (const [index, bucket] of numbersFrom(one.buckets).entries()) {
      counts.set(bucket, (counts.get(bucket) ?? 0) + calls[index]!)
    }
    after.set(key, counts)
  }
  return after
}

/** What is asked for and within these stretches, placed in them. */
export function usageWithin(
  { usage }: Tail,
  starts: readonly number[],
  isAsked: (one: UsageOf) => boolean,
): UsageOf[] {
  const found: UsageOf[] = []
  for (const one of usage.values()) {
    if (!isAsked(one)) continue
    const place = placeOf(one.place, starts)
    if (place !== null) found.push({ ...one, place })
  }
  return found
}

/** A place may have several, whose buckets are in no order. */
export function histogramsWithin(
  { histograms }: Tail,
  starts: readonly number[],
  metric: Metric,
): (Histogram & { place: number })[] {
  const found = []
  for (const [key, counts] of histograms) {
    const [code, hour] = key.split(' ').map(Number)
    if (code !== METRIC_CODES[metric]) continue
    const place = placeOf(hour!, starts)
    if (place === null) continue
    found.push({ place, buckets: [...counts.keys()], calls: [...counts.values()] })
  }
  return found
}

/** In which stretch; null: in none. The last start is where the last stretch ends. */
function placeOf(at: number, starts: readonly number[]): number | null {
  let [low, high] = [0, starts.length]
  // Starts before `low` are not after it, those from `high` on are.
  while (low < high) {
    const middle = (low + high) >>> 1
    if (starts[middle]! <= at) low = middle + 1
    else high = middle
  }
  return low === 0 || low === starts.length ? null : low - 1
}
