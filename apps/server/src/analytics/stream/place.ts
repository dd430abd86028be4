import { lastEventId } from '@tollgate/contract'
import { invalidField } from '../../lib/problem-error.ts'

export type StreamPlace = { from: string; last_event_id?: string | undefined }

/**
 * After which line a stream begins. What the header says goes first: a browser sends it when it connects
 * again, with the address of the first time. @throws ProblemError invalid_request
 */
export function beginsAfter(
  header: string | string[] | undefined,
  { from, last_event_id }: StreamPlace,
  lastSeq: number,
): number {
  if (header !== undefined && header !== '') {
    const parsed = lastEventId.safeParse(header)
    if (!parsed.success) {
      throw invalidField('last-event-id', parsed.error.issues[0]!.message)
    }
    return within('last-event-id', Number(parsed.data), lastSeq)
  }
  if (last_event_id !== undefined) return within('last_event_id', Number(last_event_id), lastSeq)
  if (from === 'now') return lastSeq
  return within('from', Math.max(0, Number(from) - 1), lastSeq)
}

/** Who has seen more than there is was with another Tollgate: to go on as if not would lose lines. */
function within(field: string, after: number, lastSeq: number): number {
  if (after <= lastSeq) return after
  throw invalidField(field, `the log ends with line ${lastSeq}`)
}
