import type { TestEvent } from 'node:test/reporters'

/** One line to end on: what failed is printed at length after the counts, and pushes them off the screen. */
export default async function* counts(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    // Each file has its own summary; that of the whole run names none.
    if (event.type !== 'test:summary' || event.data.file !== undefined) continue
    const { tests, passed, skipped, todo } = event.data.counts
    const failed = tests - passed - skipped - todo
    const seconds = (event.data.duration_ms / 1_000).toFixed(1)
    yield `tests ${tests}, passed ${passed}, failed ${failed}, skipped ${skipped}, ${seconds} s\n`
  }
}
