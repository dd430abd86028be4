import { middleOf } from '../histogram.ts'

/** How many calls are in which bucket. */
export type Histogram = { buckets: readonly number[]; calls: readonly number[] }
/** What so many of a hundred calls are not above; null: no call told it. */
export type Percentiles = { p50: number | null; p95: number | null; p99: number | null }

/** Of all calls together, every bucket once and ascending. */
export function mergedHistogram(histograms: readonly Histogram[]): Histogram {
  const [only] = histograms
  if (histograms.length === 1 && isAscending(only!.buckets)) return only!
  const counts = new Map<number, number>()
  for (const { buckets, calls } of histograms) {
    for (const [index, bucket] of buckets.entries()) {
      counts.set(bucket, (counts.get(bucket) ?? 0) + calls[index]!)
    }
  }
  const buckets = [...counts.keys()].sort((a, b) => a - b)
  return { buckets, calls: buckets.map((bucket) => counts.get(bucket)!) }
}

function isAscending(buckets: readonly number[]): boolean {
  for (let index = 1; index < buckets.length; index += 1) {
    if (buckets[index - 1]! >= buckets[index]!) return false
  }
  return true
}

const known = new WeakMap<Histogram, Percentiles>()

/** Of all calls together. Of a histogram that is alone they are kept, as long as it is. */
export function percentilesOfAll(histograms: readonly Histogram[]): Percentiles {
  const [only] = histograms
  const kept = histograms.length === 1 ? known.get(only!) : undefined
  if (kept !== undefined) return kept
  const found = percentilesOf(mergedHistogram(histograms))
  if (histograms.length === 1) known.set(only!, found)
  return found
}

/** Within 1 %. One pass over plain arrays: an answer by the hour has thousands. @param histogram as it is merged */
export function percentilesOf({ buckets, calls }: Histogram): Percentiles {
  let all = 0
  for (const one of calls) all += one
  const found: (number | null)[] = []
  let through = 0
  for (let index = 0; index < buckets.length && found.length < PARTS.length; index += 1) {
    through += calls[index]!
    if (calls[index]! <= 0) continue
    while (found.length < PARTS.length && through >= wanted(all, PARTS[found.length]!)) {
      found.push(middleOf(buckets[index]!))
    }
  }
  const [p50 = null, p95 = null, p99 = null] = all === 0 ? [] : found
  return { p50, p95, p99 }
}

const PARTS = [0.5, 0.95, 0.99] as const

/** Less what is lost in floats, so that 95 of 100 are 95. */
function wanted(all: number, part: number): number {
  return Math.ceil(all * part - 1e-6)
}
