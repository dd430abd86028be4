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
  return buckets.every((bucket, index) => index === 0 || buckets[index - 1]! < bucket)
}

/** Within 1 %. @param histogram as it is merged */
export function percentilesOf({ buckets, calls }: Histogram): Percentiles {
  const all = calls.reduce((sum, one) => sum + one, 0)
  const of = (part: number): number | null => {
    // Less what is lost in floats, so that 95 of 100 are 95.
    const wanted = Math.ceil(all * part - 1e-6)
    let through = 0
    for (const [index, bucket] of buckets.entries()) {
      through += calls[index]!
      if (calls[index]! > 0 && through >= wanted) return middleOf(bucket)
    }
    return null
  }
  if (all === 0) return { p50: null, p95: null, p99: null }
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) }
}
