/** The only reader of the computer's clock. Everything else takes `now`, in milliseconds since 1970 UTC. */
export type Clock = { now(): number }

export const systemClock: Clock = { now: () => Date.now() }

/** For durations: milliseconds that never go backwards, with no relation to the time of day. */
export function monotonicMs(): number {
  return performance.now()
}
