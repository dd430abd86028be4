// What divides: nothing is divided by zero, and what has no answer is null.

const KB = 1_024
const MB = 1_024 * KB

export function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals))
}

/**
 * Percent of calls that did not fail, with one decimal, rounded down: 100 says that none did. Null: there
 * were no calls.
 */
export function successRate({ calls, failed }: { calls: number; failed: number }): number | null {
  return calls <= 0 ? null : Math.floor(((calls - failed) * 1_000) / calls) / 10
}

/** Percent, with one decimal; 0 of nothing. */
export function share(part: number, all: number): number {
  return all <= 0 ? 0 : round((part / all) * 100, 1)
}

export function percentageOf(used: number, limit: number): number {
  if (limit === 0) return used === 0 ? 0 : 100
  return round((used / limit) * 100, 2)
}

/** Whether so many percent, of two decimals at most, are reached. Exact; nothing reaches nothing. */
export function reaches(part: bigint, all: bigint, percent: number): boolean {
  return part > 0n && part * 10_000n >= all * BigInt(Math.round(percent * 100))
}

export function average(sum: number, count: number): number | null {
  return count <= 0 ? null : Math.round(sum / count)
}

export function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value)
}

export function kilobytes(bytes: number | null): number | null {
  return bytes === null ? null : Math.round(bytes / KB)
}

export function megabytes(bytes: number): number {
  return round(bytes / MB, 1)
}
