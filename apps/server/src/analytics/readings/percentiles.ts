import { middleOf } from '../histogram.ts'
import type { HistogramRow } from './store.ts'

/** What so many of a hundred calls are not above; null: no call told it. */
export type Percentiles = { p50: number | null; p95: number | null; p99: number | null }

/** Of each place, from 0; within 1 %. @param rows with places from 1, a place in one or several of them */
export function percentilesFrom(rows: readonly HistogramRow[], places: number): Percentiles[] {
  const histograms: (Map<number, number> | undefined)[] = Array.from({ length: places })
  for (const { place, buckets, calls } of rows) {
    histograms[place - 1] ??= new Map()
    add(histograms[place - 1]!, buckets, calls)
  }
  return histograms.map((histogram) => percentilesOf(histogram ?? new Map()))
}

/** Arrays as PostgreSQL writes them: {-1,120,305}. */
function add(histogram: Map<number, number>, buckets: string, calls: string): void {
  const counts = calls.slice(1, -1).split(',')
  for (const [index, text] of buckets.slice(1, -1).split(',').entries()) {
    const bucket = Number(text)
    histogram.set(bucket, (histogram.get(bucket) ?? 0) + Number(counts[index]))
  }
}

function percentilesOf(histogram: ReadonlyMap<number, number>): Percentiles {
  const buckets = [...histogram].sort(([a], [b]) => a - b)
  const all = buckets.reduce((sum, [, calls]) => sum + calls, 0)
  const of = (part: number): number | null => {
    // Less what is lost in floats, so that 95 of 100 are 95.
    const wanted = Math.ceil(all * part - 1e-6)
    let through = 0
    for (const [bucket, calls] of buckets) {
      through += calls
      if (calls > 0 && through >= wanted) return middleOf(bucket)
    }
    return null
  }
  if (all === 0) return { p50: null, p95: null, p99: null }
  return { p50: of(0.5), p95: of(0.95), p99: of(0.99) }
}
