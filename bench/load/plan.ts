/** What a load process is asked to do, and what it answers. Both cross a process boundary as JSON. */

/** `small`: the fields of every event; `full`: with everything statistics are made of. */
export type EventShape = 'small' | 'full'

/** Whose events a request of several carries: one tenant's, or many tenants'. */
export type Spread = 'tenant' | 'mixed'

export type LoadTenant = { id: string; authorization: string }

export type TrackRequests = {
  kind: 'track'
  path: string
  tenants: LoadTenant[]
  eventsPerRequest: number
  spread: Spread
  shape: EventShape
}

/** The same request for each of the tenants in turn, without a body. */
export type ReadRequests = { kind: 'read'; path: string; tenants: LoadTenant[] }

/**
 * `closed`: every connection sends its next request when it has the answer to the last one.
 * `open`: requests are due at a fixed rate whatever the server does, and latencies count from when a
 * request was due, so that a stall is felt by all that should have been sent meanwhile.
 * `count`: like closed, until that many requests are answered.
 */
export type Pace =
  | { kind: 'closed'; warmupMs: number; measureMs: number }
  | { kind: 'open'; requestsPerSecond: number; warmupMs: number; measureMs: number }
  | { kind: 'count'; requests: number }

export type LoadPlan = {
  host: string
  port: number
  connections: number
  requests: TrackRequests | ReadRequests
  pace: Pace
}

export type Latency = { p50Ms: number; p90Ms: number; p99Ms: number; maxMs: number }

export type LoadResult = {
  /** Answered within the measured time. */
  requests: number
  events: number
  seconds: number
  requestsPerSecond: number
  eventsPerSecond: number
  latency: Latency
  /** CPU of the load process itself in the measured time: near 1 means that it is the bottleneck. */
  cpuShare: number
  /** From the first request to the last, warm-up included: what a log must hold afterwards. */
  total: { requests: number; events: number; allowed: number; replayed: number }
  /** How many requests were answered with another status than 200, or not at all, by what happened. */
  failures: Record<string, number>
  firstFailure: string | null
}
