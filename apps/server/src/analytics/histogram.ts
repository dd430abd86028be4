const LOG_WIDTH = Math.log(1.02)

/** How many calls are in which bucket. What is read from it is the middle of a bucket: within 1 %. */
export class Histogram {
  readonly #calls = new Map<number, number>()

  add(bucket: number, calls: number): void {
    this.#calls.set(bucket, (this.#calls.get(bucket) ?? 0) + calls)
  }

  /** The least value that so much of all is not above, as `p` of 1; null: there is none. */
  percentile(p: number): number | null {
    const buckets = [...this.#calls].filter(([, calls]) => calls > 0).sort(([a], [b]) => a - b)
    const all = buckets.reduce((sum, [, calls]) => sum + calls, 0)
    let left = Math.ceil(p * all)
    for (const [bucket, calls] of buckets) {
      left -= calls
      if (left <= 0) return middleOf(bucket)
    }
    return null
  }

  static merged(histograms: readonly Histogram[]): Histogram {
    const all = new Histogram()
    for (const { entries } of histograms)
      for (const [bucket, calls] of entries) all.add(bucket, calls)
    return all
  }

  get entries(): [bucket: number, calls: number][] {
    return [...this.#calls]
  }
}

/** As the fold has it in SQL; -1: zero. */
export function bucketOf(value: number): number {
  return value < 1 ? -1 : Math.floor(Math.log(value) / LOG_WIDTH)
}

function middleOf(bucket: number): number {
  return bucket < 0 ? 0 : Math.exp((bucket + 0.5) * LOG_WIDTH)
}
