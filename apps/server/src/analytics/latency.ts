/**
 * Buckets of the latency that Prometheus is told, for life. What was counted keeps its bound: when bounds
 * change, older calls stay where they are, and are right for each bound that was there before.
 */
export const LATENCY_BOUNDS_MS = [
  10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000,
] as const

/** Of what took longer; text, since it is no number of JavaScript's. */
export const UNBOUNDED_MS = '9223372036854775807'
