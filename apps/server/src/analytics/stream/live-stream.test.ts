import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAIN_LINE } from '../../ledger/step.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { STREAM_BUFFER_BYTES, STREAM_LINES_PER_READ } from '../../limits.ts'
import { LiveStream, type StreamOptions } from './live-stream.ts'

const PATIENCE = { heartbeatMs: 60_000, slowMs: 10, lastWordsMs: 60_000, planCheckMs: 1 }

/** A log without end, and how much of it was read. */
function longLog() {
  const read: number[] = []
  const entryAt = (seq: number): StoredEntry => ({
    ...PLAIN_LINE,
    tenantNo: 1,
    senderNo: null,
    seq,
    kind: 'grant',
    recordedAt: 0,
    remaining: 0n,
    used: 0n,
    detail: { reason: 'x'.repeat(500) },
  })
  const source = {
    patience: PATIENCE,
    async read(_tenantNo: number, after: number) {
      read.push(after)
      const entries = Array.from({ length: STREAM_LINES_PER_READ }, (_, index) =>
        entryAt(after + 1 + index),
      )
      return { entries, names: new Map() }
    },
  }
  return { source, read }
}

const options = (more: Partial<StreamOptions> = {}): StreamOptions => ({
  tenantNo: 1,
  after: 0,
  lastSeq: 1_000_000,
  follow: true,
  gated: true,
  stillMay: async () => true,
  abort: () => undefined,
  ...more,
})

async function textOf(stream: LiveStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream.outlet) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

test('a reader that takes nothing is dropped and told why, with a million lines before it and few in memory', async () => {
  const { source, read } = longLog()
  const stream = new LiveStream(options(), source)
  await stream.run()
  assert.ok(read.length <= 2, `${read.length} pages were read for nobody`)
  assert.ok(stream.outlet.readableLength < STREAM_BUFFER_BYTES + 2 * STREAM_LINES_PER_READ * 1_000)
  const text = await textOf(stream)
  const last = text.trimEnd().split('\n\n').at(-1)!
  assert.match(last, /^retry: \d+\nevent: dropped\ndata: \{"reason":"too_slow"/)
  // It goes on behind the last line that it was given, which all are there before.
  const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
  assert.deepEqual(
    ids,
    Array.from({ length: ids.length }, (_, index) => index),
  )
})

test('who takes all gets all, at whatever pace, and no page is read before there is room', async () => {
  const { source, read } = longLog()
  const lines = 20 * STREAM_LINES_PER_READ
  const patient = { ...source, patience: { ...PATIENCE, slowMs: 60_000 } }
  const stream = new LiveStream(options({ lastSeq: lines, follow: false }), patient)
  const running = stream.run()
  let bytes = 0
  let pagesAhead = 0
  const perPage = STREAM_LINES_PER_READ * 700
  for await (const chunk of stream.outlet) {
    bytes += (chunk as Buffer).length
    pagesAhead = Math.max(pagesAhead, read.length - bytes / perPage)
  }
  await running
  assert.deepEqual(
    read,
    Array.from({ length: 20 }, (_, index) => index * STREAM_LINES_PER_READ),
  )
  assert.ok(pagesAhead < 4, `${pagesAhead} pages in memory`)
})

test('one that ends while nobody takes what it has does not wait for that', async () => {
  const { source } = longLog()
  const stream = new LiveStream(options(), {
    ...source,
    patience: { ...PATIENCE, slowMs: 2 ** 31 - 1 },
  })
  const running = stream.run()
  await new Promise((resolve) => setImmediate(resolve))
  stream.drop('stopping')
  await running
  assert.match(await textOf(stream), /"reason":"stopping"/)
})

test('a reader that leaves ends its stream, whatever it waits for', async () => {
  for (const lastSeq of [0, 1_000_000]) {
    const { source } = longLog()
    const patience = { ...PATIENCE, heartbeatMs: 2 ** 31 - 1, slowMs: 2 ** 31 - 1 }
    const stream = new LiveStream(options({ lastSeq }), { ...source, patience })
    const running = stream.run()
    await new Promise((resolve) => setImmediate(resolve))
    stream.outlet.destroy()
    await running
  }
})
