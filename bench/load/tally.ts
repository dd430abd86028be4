import { LatencyLog } from './latency.ts'
import type { LoadResult } from './plan.ts'
import type { Reply } from './reply.ts'

const STATUS_OK = 200
const ALLOWED = Buffer.from('"decision":"allowed"', 'latin1')
const REPLAYED = Buffer.from('"replayed":true', 'latin1')
const FAILURE_CHARS_MAX = 500

/** Counts what a load process got back. Replies outside the measured time count only in the totals. */
export class Tally {
  readonly total = { requests: 0, events: 0, allowed: 0, replayed: 0 }
  readonly #latencies = new LatencyLog()
  readonly #failures: Record<string, number> = {}
  #firstFailure: string | null = null
  #measuring = false
  #startedMs = 0
  #seconds = 0
  #cpu = process.cpuUsage()
  #cpuSeconds = 0
  #requests = 0
  #events = 0

  startMeasuring(): void {
    this.#measuring = true
    this.#startedMs = performance.now()
    this.#cpu = process.cpuUsage()
  }

  stopMeasuring(): void {
    if (!this.#measuring) return
    this.#measuring = false
    this.#seconds = (performance.now() - this.#startedMs) / 1_000
    const used = process.cpuUsage(this.#cpu)
    this.#cpuSeconds = (used.user + used.system) / 1_000_000
  }

  /** Counts a reply to a request of so many events, asked at `sinceMs` (or due then, in an open loop). */
  reply(reply: Reply, events: number, sinceMs: number): void {
    this.total.requests += 1
    if (reply.status !== STATUS_OK) {
      const body = reply.bytes.toString('latin1', reply.bodyStart, reply.bodyEnd)
      this.failure(String(reply.status), body)
      return
    }
    this.total.events += events
    this.total.allowed += occurrences(ALLOWED, reply)
    if (events > 0 && occurrences(REPLAYED, reply) > 0) this.total.replayed += 1
    if (!this.#measuring) return
    this.#requests += 1
    this.#events += events
    this.#latencies.add(performance.now() - sinceMs)
  }

  failure(kind: string, detail: string): void {
    this.#failures[kind] = (this.#failures[kind] ?? 0) + 1
    this.#firstFailure ??= `${kind}: ${detail.slice(0, FAILURE_CHARS_MAX)}`
  }

  result(): LoadResult {
    const seconds = this.#seconds
    return {
      requests: this.#requests,
      events: this.#events,
      seconds,
      requestsPerSecond: this.#requests / seconds,
      eventsPerSecond: this.#events / seconds,
      latency: this.#latencies.summary(),
      cpuShare: this.#cpuSeconds / seconds,
      total: this.total,
      failures: this.#failures,
      firstFailure: this.#firstFailure,
    }
  }
}

function occurrences(needle: Buffer, reply: Reply): number {
  const body = reply.bytes.subarray(reply.bodyStart, reply.bodyEnd)
  let count = 0
  for (let at = body.indexOf(needle); at !== -1; at = body.indexOf(needle, at + needle.length)) {
    count += 1
  }
  return count
}
