import type { Submission } from './submission.ts'

/**
 * Submissions that are not answered yet, by their id.
 *
 * Not simply a Map of them: a Map that grows and shrinks all the time is laid out anew again and
 * again, and V8 links each dead layout to the next. Once one of them is old, all later ones and what
 * they held (whole requests) stay until the next full collection: 7 KB a call, measured. So the Map
 * holds slots, and a slot lets go of its submission.
 */
export class PendingSubmissions {
  private readonly slots = new Map<string, { submission: Submission | null }>()

  get(id: string): Submission | undefined {
    return this.slots.get(id)?.submission ?? undefined
  }

  add(submission: Submission): void {
    this.slots.set(submission.id, { submission })
  }

  remove({ id }: Submission): void {
    const slot = this.slots.get(id)
    if (slot === undefined) return
    slot.submission = null
    this.slots.delete(id)
  }
}
