import {
  HOLD_SECONDS_DEFAULT,
  type holdBody,
  type holdReply,
  type settleBody,
} from '@tollgate/contract'
import type pg from 'pg'
import type { z } from 'zod'
import { derivedKey, fingerprintOf, makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { entryId, parseEntryId } from '../lib/ids.ts'
import { microsFromNumber, numberFromMicros } from '../lib/micros.ts'
import { ProblemError } from '../lib/problem-error.ts'
import type { Order } from './command-of.ts'
import type { Ledger } from './ledger.ts'
import { ownedLine } from './owned-line.ts'
import { carriedOut } from './refusals.ts'
import { readEntry } from './store.ts'
import { LedgerError } from './submission.ts'
import type { Sender } from './track.ts'

type HoldReply = z.infer<typeof holdReply>
type HoldDependencies = { ledger: Ledger; pool: pg.Pool }

/**
 * Sets credits aside until they are settled, released, or the hold expires.
 * @throws ProblemError insufficient_credits, too_many_holds, tenant_not_found; LedgerError
 */
export async function makeHold(
  { ledger }: HoldDependencies,
  sender: Sender,
  body: z.infer<typeof holdBody>,
): Promise<HoldReply> {
  const tenantNo = await sender.tenantNo(body.tenant_id)
  const seconds = body.expires_in_seconds ?? HOLD_SECONDS_DEFAULT
  const order: Order = {
    kind: 'hold',
    credits: microsFromNumber(body.credits)!,
    lastsMs: seconds * 1_000,
  }
  const receipt = await ledger.submit(tenantNo, sender.caller.senderNo, order, {
    key: storedKey(body.idempotency_key ?? makeIdempotencyKey()),
    fingerprint: fingerprintOf(['hold', body.credits, seconds]),
  })
  const { entry, replayed } = carriedOut(receipt)
  return {
    hold_id: entryId('hld', tenantNo, entry.seq),
    seq: entry.seq,
    status: 'held',
    replayed,
    expires_at: String(entry.detail?.expires_at),
    credits: { held: body.credits, charged: 0, remaining: numberFromMicros(entry.remaining) },
  }
}

/**
 * Charges what the held work really cost and frees the rest. The same settlement again answers with
 * the first; another one, or a release, is a conflict.
 * @throws ProblemError not_found, hold_not_open, settlement_exceeds_hold, insufficient_credits; LedgerError
 */
export async function settleHold(
  deps: HoldDependencies,
  sender: Sender,
  holdId: string,
  body: z.infer<typeof settleBody>,
): Promise<HoldReply> {
  const credits = microsFromNumber(body.credits)!
  return closeHold(deps, sender, holdId, 'settled', (holdSeq) => ({
    order: { kind: 'settlement', holdSeq, credits, allowMore: body.allow_more ?? false },
    fingerprint: fingerprintOf(['settlement', body.credits]),
  }))
}

/**
 * Frees held credits without charging any.
 * @throws ProblemError not_found, hold_not_open; LedgerError
 */
export async function releaseHold(
  deps: HoldDependencies,
  sender: Sender,
  holdId: string,
): Promise<HoldReply> {
  return closeHold(deps, sender, holdId, 'released', (holdSeq) => ({
    order: { kind: 'release', holdSeq },
    fingerprint: fingerprintOf(['release']),
  }))
}

async function closeHold(
  { ledger, pool }: HoldDependencies,
  sender: Sender,
  holdId: string,
  status: 'settled' | 'released',
  closing: (holdSeq: number) => { order: Order; fingerprint: number },
): Promise<HoldReply> {
  const { tenantNo, seq: holdSeq } = ownedLine(sender.caller, parseEntryId('hld', holdId))
  const made = await readEntry(pool, tenantNo, holdSeq)
  if (made?.kind !== 'hold' || made.reason !== null) throw new ProblemError('not_found')
  const { order, fingerprint } = closing(holdSeq)
  // One key for both ways to close: the one that comes second meets it and is told so.
  const key = derivedKey('close', holdSeq)
  const receipt = await ledger
    .submit(tenantNo, sender.caller.senderNo, order, { key, fingerprint })
    .catch(closedOtherwise)
  const { entry, replayed } = carriedOut(receipt)
  return {
    hold_id: holdId,
    seq: entry.seq,
    status,
    replayed,
    credits: {
      held: Number(entry.detail?.held_credits),
      charged: numberFromMicros(-entry.credits),
      remaining: numberFromMicros(entry.remaining),
    },
  }
}

/** The sender has sent no key, so a conflict of keys would tell nothing. */
function closedOtherwise(error: unknown): never {
  const conflict = error instanceof LedgerError && error.code === 'idempotency_conflict'
  throw conflict ? new ProblemError('hold_not_open') : error
}
