import type { voidReply } from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import { derivedKey, fingerprintOf } from '../lib/idempotency.ts'
import { entryId, parseEntryId } from '../lib/ids.ts'
import { microsFromNumber, numberFromMicros } from '../lib/micros.ts'
import { ProblemError } from '../lib/problem-error.ts'
import { readCut } from './cuts/store.ts'
import type { SentEntry } from './entry-row.ts'
import type { Ledger } from './ledger.ts'
import { ownedLine } from './owned-line.ts'
import { carriedOut } from './refusals.ts'
import { readEntry } from './store.ts'
import type { Sender } from './track.ts'
import type { VoidedCall } from './types.ts'

/**
 * Compensates a call that should not have been charged. A second void of it answers with the first.
 * @throws ProblemError not_found, past_retention, not_voidable; LedgerError
 */
export async function voidEvent(
  { ledger, pool }: { ledger: Ledger; pool: pg.Pool },
  sender: Sender,
  eventId: string,
  reason: string,
): Promise<z.infer<typeof voidReply>> {
  const { tenantNo, seq } = ownedLine(sender.caller, parseEntryId('evt', eventId))
  // What is cut off stays a while, so that a void which had read it before is recorded while it is there.
  const [entry, cut] = await Promise.all([readEntry(pool, tenantNo, seq), readCut(pool, tenantNo)])
  if (cut !== null && seq <= cut.account.lastSeq) throw new ProblemError('past_retention')
  if (entry === null) throw new ProblemError('not_found')
  const order = { kind: 'void', voided: voidedCall(entry), reason } as const
  const receipt = await ledger.submit(tenantNo, sender.caller.senderNo, order, {
    key: derivedKey('void', seq),
    fingerprint: fingerprintOf(['void']),
  })
  const { entry: line, replayed } = carriedOut(receipt)
  return {
    event_id: entryId('evt', tenantNo, line.seq),
    voided_event_id: eventId,
    seq: line.seq,
    replayed,
    credits: {
      refunded: numberFromMicros(line.credits),
      remaining: numberFromMicros(line.remaining),
    },
  }
}

/** What the void of a line gives back. Only calls that were allowed or reported took anything. */
export function voidedCall(entry: SentEntry): VoidedCall {
  const { call, detail } = entry
  if (call === null || entry.reason !== null) throw new ProblemError('not_voidable')
  return {
    seq: entry.seq,
    senderNo: entry.senderNo,
    recordedAt: entry.recordedAt,
    credits: -entry.credits,
    creditsOverage: exactly(detail?.overage_credits),
    quantity: entry.counted ? call.quantity : 0n,
    overage: exactly(detail?.overage_quantity),
    fileSizeBytes: call.fileSizeBytes,
    failed: call.failed,
  }
}

/** An amount that `overageDetail` wrote. */
function exactly(value: unknown): bigint {
  return typeof value === 'number' ? microsFromNumber(value)! : 0n
}
