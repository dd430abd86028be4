import { type creditsBody, type creditsReply, GRANT_PRIORITY_DEFAULT } from '@tollgate/contract'
import type { z } from 'zod'
import { fingerprintOf, makeIdempotencyKey, storedKey } from '../lib/idempotency.ts'
import { entryId } from '../lib/ids.ts'
import { microsFromNumber, numberFromMicros } from '../lib/micros.ts'
import { invalidField } from '../lib/problem-error.ts'
import type { Order } from './command-of.ts'
import type { Ledger } from './ledger.ts'
import { carriedOut } from './refusals.ts'

/**
 * Gives a tenant credits, or takes them back by hand.
 * @throws ProblemError invalid_request, insufficient_credits, too_many_grants; LedgerError
 */
export async function giveCredits(
  { ledger }: { ledger: Ledger },
  tenantNo: number,
  senderNo: number | null,
  body: z.infer<typeof creditsBody>,
): Promise<z.infer<typeof creditsReply>> {
  const receipt = await ledger.submit(tenantNo, senderNo, orderFrom(body), {
    key: storedKey(body.idempotency_key ?? makeIdempotencyKey()),
    fingerprint: fingerprintOf([
      'credits',
      body.amount,
      body.reason,
      body.priority ?? null,
      body.expires_at ?? null,
      // Only where it is so: keys that are older than it keep what they stand for.
      ...(body.bought === true ? ['bought'] : []),
    ]),
  })
  const { entry, account, replayed } = carriedOut(receipt)
  return {
    event_id: entryId('evt', tenantNo, entry.seq),
    seq: entry.seq,
    replayed,
    balance: numberFromMicros(account.balance),
    remaining: numberFromMicros(entry.remaining),
  }
}

function orderFrom(body: z.infer<typeof creditsBody>): Order {
  const { amount, reason, priority, expires_at, bought = false } = body
  const credits = microsFromNumber(amount)!
  if (amount > 0) {
    return {
      kind: 'grant',
      credits,
      priority: priority ?? GRANT_PRIORITY_DEFAULT,
      expiresAt: expires_at === undefined ? null : Date.parse(expires_at),
      reason,
      bought,
    }
  }
  if (priority !== undefined) throw invalidField('priority', 'only for credits that are given')
  if (expires_at !== undefined) throw invalidField('expires_at', 'only for credits that are given')
  if (bought) throw invalidField('bought', 'only for credits that are given')
  return { kind: 'adjustment', credits, reason }
}
