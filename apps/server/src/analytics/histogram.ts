const LOG_WIDTH = Math.log(1.02)

/** As the fold has it in SQL: buckets 2 % wide; -1: zero. */
export function bucketOf(value: number): number {
  return value < 1 ? -1 : Math.floor(Math.log(value) / LOG_WIDTH)
}

/** Within 1 % of all that is in the bucket. */
export function middleOf(bucket: number): number {
  return bucket < 0 ? 0 : Math.exp((bucket + 0.5) * LOG_WIDTH)
}
