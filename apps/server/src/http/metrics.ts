import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Ledger } from '../ledger/ledger.ts'

/** Figures of this node. The hot path only counts; everything is put together when somebody asks. */
export function makeMetrics({ meter }: Ledger): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  counter(
    registry,
    'tollgate_events_committed_total',
    'Events written and answered',
    () => meter.committed.events,
  )
  counter(
    registry,
    'tollgate_batches_committed_total',
    'Batches written by the fast path',
    () => meter.committed.batches,
  )
  counter(
    registry,
    'tollgate_batches_failed_total',
    'Batches that failed as a whole and were decided again',
    () => meter.failedBatches,
  )
  counter(
    registry,
    'tollgate_slow_path_events_total',
    'Events decided under locks: replays and conflicts',
    () => meter.slowPathEvents,
  )
  counter(
    registry,
    'tollgate_commit_seconds_total',
    'Time from sending a batch to its commit, summed',
    () => meter.committed.ms / 1_000,
  )
  new Gauge({
    name: 'tollgate_events_waiting',
    help: 'Events that wait in the lanes of this node',
    registers: [registry],
    collect() {
      this.set(meter.waiting)
    },
  })
  return registry
}

function counter(registry: Registry, name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}
