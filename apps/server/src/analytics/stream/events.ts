import { entryReply, type SenderNames } from '../../ledger/entry-reply.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { STREAM_RETRY_MS } from '../../limits.ts'

/** Why a stream ends that its reader has not ended. */
const DROPPED = {
  too_slow: 'What was sent was not taken in time. Connect again; nothing is lost.',
  unauthorized: 'The key or the session has ended, or may not read this any more.',
  plan_feature_required: 'The plan has no live streams any more.',
  stopping: 'This server is stopping. Connect again; nothing is lost.',
} as const
export type DropReason = keyof typeof DROPPED

/** `id` is the number of a line: who connects again with it gets what comes behind. */
export type StreamEvent = { id?: number; event: string; data: object }

/** JSON has no line ends, so a datum is one line. */
export function eventText({ id, event, data }: StreamEvent): string {
  const place = id === undefined ? '' : `id: ${id}\n`
  return `${place}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** An id without data is no event, but is what a reader that lost its connection asks for. */
export function preamble(after: number): string {
  return `retry: ${STREAM_RETRY_MS}\nid: ${after}\n\n`
}

export const HEARTBEAT = ': still here\n\n'

export function droppedText(reason: DropReason): string {
  const data = { reason, detail: DROPPED[reason] }
  return `retry: ${STREAM_RETRY_MS}\n${eventText({ event: 'dropped', data })}`
}

const DECIDING = new Set(['call', 'report', 'hold'])

function eventOf(kind: StoredEntry['kind']): string {
  if (kind === 'alert') return 'alert'
  return DECIDING.has(kind) ? 'decision' : 'entry'
}

/** Of lines in order; where some are missing between them, that is told. */
export function entryEvents(
  entries: readonly StoredEntry[],
  names: SenderNames,
  after: number,
): StreamEvent[] {
  return entries.flatMap((entry, index) => {
    const expected = (entries[index - 1]?.seq ?? after) + 1
    const { seq, kind } = entry
    const told = { id: seq, event: eventOf(kind), data: entryReply(entry, names) }
    return seq === expected ? [told] : [gapEvent(expected, seq - 1), told]
  })
}

export function gapEvent(from: number, through: number): StreamEvent {
  return { id: through, event: 'gap', data: { from, through } }
}
