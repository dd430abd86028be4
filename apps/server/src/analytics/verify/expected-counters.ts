import type { StoredEntry } from '../../ledger/entry-row.ts'
import { USAGE_COUNTERS_MAX, USAGE_LABEL_CHARS_MAX } from '../../limits.ts'
import { OTHER } from '../dimensions.ts'
import { LATENCY_BOUNDS_MS, UNBOUNDED_MS } from '../latency.ts'

/** What should be counted for life, of lines in their order. */
export class ExpectedCounters {
  /** By what `counterKey` makes of its labels. */
  readonly calls = new Map<string, number>()
  /** By bound: how many calls, and how long together. */
  readonly latencies = new Map<string, { calls: number; ms: bigint }>()

  add({ call, reason }: StoredEntry): void {
    if (call === null) return
    const status = reason !== null ? 'denied' : call.failed ? 'failure' : 'success'
    const own = counterKey([call.service, call.fileType, call.outputFormat].map(labelOf), status)
    const hasOwn = this.calls.has(own) || this.calls.size < USAGE_COUNTERS_MAX
    const key = hasOwn ? own : counterKey([OTHER, OTHER, OTHER], status)
    this.calls.set(key, (this.calls.get(key) ?? 0) + 1)
    const ms = call.processingTimeMs
    if (reason !== null || ms === null) return
    const bound = String(LATENCY_BOUNDS_MS.find((one) => ms <= one) ?? UNBOUNDED_MS)
    const before = this.latencies.get(bound) ?? { calls: 0, ms: 0n }
    this.latencies.set(bound, { calls: before.calls + 1, ms: before.ms + BigInt(ms) })
  }
}

function labelOf(value: string | null): string {
  return [...(value ?? '')].slice(0, USAGE_LABEL_CHARS_MAX).join('')
}

export function counterKey(labels: readonly string[], status: string): string {
  return JSON.stringify([...labels, status])
}
