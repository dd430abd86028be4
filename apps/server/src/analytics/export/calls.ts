import { setImmediate } from 'node:timers/promises'
import type { ExportFormat } from '@tollgate/contract'
import type { SenderNamesOf } from '../answer.ts'
import { readSeqBefore } from '../readings/store.ts'
import type { UsageSource } from '../readings/folded-reader.ts'
import type { Sender } from './call-columns.ts'
import { CallRow } from './call-row.ts'
import { CALL_WRITERS } from './call-writers.ts'
import { FIRST_PLACE, Pages } from './page.ts'
import type { CallStretch } from './page-sql.ts'

/** How the pieces of a file are taken. */
export type Taking = {
  /** Says that nobody takes them any more. */
  signal: AbortSignal
  /** Whether all that came until now have been taken, so that their memory can be used again. */
  isFree: () => boolean
}

/**
 * A file of all calls of a stretch behind a line, in pieces. One page is read ahead while the one before
 * is taken, no more: what is in memory does not depend on how many calls there are, nor on who takes them.
 * @param after null: from the beginning of the file
 */
export async function* callPieces(
  { pool }: Pick<UsageSource, 'pool'>,
  stretch: CallStretch,
  { format, after }: { format: ExportFormat; after: number | null },
  senderNames: SenderNamesOf,
  { signal, isFree }: Taking,
): AsyncGenerator<Buffer> {
  const writer = CALL_WRITERS[format]({ begins: after === null, isFree })
  const senders = new Map<number, Sender>()
  const before = await readSeqBefore(pool, stretch.tenantNo, stretch.from)
  const pages = new Pages(pool, stretch, signal)
  let reading = begun(pages.read({ ...FIRST_PLACE, after: Math.max(after ?? 0, before) }))
  for (;;) {
    const page = await reading
    const isLast = page.next.after >= stretch.through
    if (!isLast) reading = begun(pages.read(page.next))
    await addSenders(senders, page.senderNos, senderNames)
    const row = new CallRow(stretch.tenantNo, page, senders)
    while (row.cells.next()) {
      const piece = writer.row(row)
      if (piece === null) continue
      yield await piece
      // Who takes all at once must not keep others from their turn.
      await setImmediate()
    }
    if (isLast) break
  }
  yield* await writer.end()
}

/** If it fails before it is waited for, that is told when it is. */
function begun<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined)
  return promise
}

async function addSenders(
  senders: Map<number, Sender>,
  senderNos: readonly number[],
  senderNames: SenderNamesOf,
): Promise<void> {
  const unknown = senderNos.filter((senderNo) => !senders.has(senderNo))
  if (unknown.length === 0) return
  const names = await senderNames(unknown)
  for (const senderNo of unknown) {
    const { id = null, team = null } = names.get(senderNo) ?? {}
    senders.set(senderNo, {
      keyId: senderNo > 0 ? id : null,
      memberId: senderNo < 0 ? id : null,
      team,
    })
  }
}
