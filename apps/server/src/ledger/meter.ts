import { monotonicMs } from '../lib/clock.ts'

/** Plain counters, read when `/metrics` is asked for: nothing else is done per batch. */
export class LaneMeter {
  committed = { batches: 0, events: 0, ms: 0 }
  failedBatches = 0
  slowPathEvents = 0
  /** Submissions that are not answered yet. */
  waiting = 0

  /** @returns to be called when the batch is committed or has failed */
  batchStarted(events: number): (result: 'committed' | 'failed') => void {
    const started = monotonicMs()
    return (result) => {
      if (result === 'failed') {
        this.failedBatches += 1
        return
      }
      this.committed.batches += 1
      this.committed.events += events
      this.committed.ms += monotonicMs() - started
    }
  }

  slowPath(events: number): void {
    this.slowPathEvents += events
  }
}
