import { contributionsOf } from '../usage/meters.ts'
import { spanAt } from '../usage/timeline.ts'
import { BILLING_LINES_PER_READ } from '../../limits.ts'
import type { Agreed } from './verify-usage.ts'

/**
 * By period, the lines that were recorded in a later one than what they are about happened in. Only such
 * can have come after an invoice, since what is recorded in a period is on its own.
 */
export async function lateTouches({ log, spans, termsOf }: Agreed): Promise<Map<number, number[]>> {
  const touches = new Map<number, number[]>()
  let afterSeq = 0
  for (;;) {
    const entries = await log.after(afterSeq, BILLING_LINES_PER_READ)
    const voided = entries.flatMap(({ kind, detail }) =>
      kind === 'void' ? [Number(detail?.voided_seq)] : [],
    )
    const targets = voided.length === 0 ? [] : await log.lines(voided)
    const bySeq = new Map(targets.map((line) => [line.seq, line]))
    for (const entry of entries) {
      const about = entry.kind === 'void' ? bySeq.get(Number(entry.detail?.voided_seq))! : entry
      const span = spanAt(spans, about)
      const { start } = span.period
      if (entry.recordedAt < span.period.end) continue
      if (contributionsOf(about, termsOf(span.planVersionNo)).length === 0) continue
      touches.set(start, [...(touches.get(start) ?? []), entry.seq])
    }
    const last = entries.at(-1)
    if (last === undefined || entries.length < BILLING_LINES_PER_READ) return touches
    afterSeq = last.seq
  }
}
