import type { Dimension } from '../dimensions.ts'

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
/** Where nothing is asked but how many. */
export type CallsOf = Pick<UsageOf, 'place' | 'dimension' | 'value' | 'calls'>

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

/** All that was counted of the same value, together. */
export function sumOf(usages: readonly Usage[]): Usage {
  return usages.reduce(plus, NO_USAGE)
}

/** Of both; what else `one` says stays as it is. */
export function plus<T extends Usage>(one: T, other: Usage): T {
  return {
    ...one,
    calls: one.calls + other.calls,
    failed: one.failed + other.failed,
    denied: one.denied + other.denied,
    units: one.units + other.units,
    credits: one.credits + other.credits,
    sized: one.sized + other.sized,
    bytes: one.bytes + other.bytes,
    timed: one.timed + other.timed,
    ms: one.ms + other.ms,
    largestBytes: larger(one.largestBytes, other.largestBytes),
    lastAt: larger(one.lastAt, other.lastAt),
  }
}

/** Every value of a place once. */
export function merged(usages: readonly UsageOf[]): UsageOf[] {
  const found = new Map<string, UsageOf>()
  for (const one of usages) {
    const key = `${one.place} ${one.dimension} ${one.value}`
    const before = found.get(key)
    found.set(key, before === undefined ? one : plus(before, one))
  }
  return [...found.values()]
}

function larger(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b
  return Math.max(a, b)
}
