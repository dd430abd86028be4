import type { ExplainedLine, InvoiceLine } from '@tollgate/contract'
import type { Queryable } from '../../db/pool.ts'
import type { StoredEntry } from '../../ledger/entry-row.ts'
import { logOf } from '../../ledger/log.ts'
import { entryId } from '../../lib/ids.ts'
import { wireSecond } from '../../lib/wire-period.ts'
import { EXPLAINED_LINES_MAX } from '../../limits.ts'
import { type InvoiceRow, readSettled } from '../invoices/store.ts'
import type { Billed } from '../invoices/types.ts'
import { billedAt } from '../usage/timeline.ts'

type Late = NonNullable<ExplainedLine['late']>
/** By the earlier period, the lines of the log that an invoice made up for. */
export type LateLines = ReadonlyMap<number, Late>

/** At most so many as an explanation names, the oldest. */
export async function readLateLines(db: Queryable, row: InvoiceRow): Promise<LateLines> {
  const { tenant_no: tenantNo, invoice_id: by } = row
  const found = await readSettled(db, tenantNo, by, EXPLAINED_LINES_MAX + 1)
  const named = found.slice(0, EXPLAINED_LINES_MAX)
  const more = found.length > named.length
  const log = logOf(db, tenantNo)
  const lines = await linesBySeq(
    named.map(({ seq }) => seq),
    log.lines,
  )
  const voided = [...lines.values()].flatMap(({ kind, detail }) =>
    kind === 'void' ? [Number(detail?.voided_seq)] : [],
  )
  const targets = await linesBySeq(voided, log.lines)
  const late = new Map<number, Late>()
  for (const { seq, periodStart } of named) {
    const entry = lines.get(seq)
    const of = late.get(periodStart) ?? { period_start: wireSecond(periodStart), lines: [], more }
    if (entry !== undefined) {
      of.lines.push(lateLine(entry, targets.get(Number(entry.detail?.voided_seq)) ?? entry))
      // Past retention: that it was settled here is known for ever, what it was is not.
    } else of.more = true
    late.set(periodStart, of)
  }
  return late
}

async function linesBySeq(seqs: number[], read: (seqs: number[]) => Promise<StoredEntry[]>) {
  const lines = seqs.length === 0 ? [] : await read(seqs)
  return new Map(lines.map((line) => [line.seq, line]))
}

function lateLine({ tenantNo, seq, kind }: StoredEntry, about: StoredEntry): Late['lines'][number] {
  const occurred_at = new Date(billedAt(about)).toISOString()
  return { seq, event_id: entryId('evt', tenantNo, seq), kind, occurred_at }
}

/** Null for what is no adjustment. */
export function lateLinesOf(
  late: LateLines,
  { kind }: Pick<InvoiceLine, 'kind'>,
  billed: Billed | undefined,
): Late | null {
  if (kind !== 'adjustment' || billed === undefined) return null
  const none = { period_start: wireSecond(billed.periodStart), lines: [], more: false }
  return late.get(billed.periodStart) ?? none
}
