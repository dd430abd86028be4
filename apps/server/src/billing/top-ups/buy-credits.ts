import { GRANT_PRIORITY_DEFAULT, type topUpReply } from '@tollgate/contract'
import type { z } from 'zod'
import { soldCredits } from '../../catalog/credit-price.ts'
import { inTransaction } from '../../db/pool.ts'
import { logOf } from '../../ledger/log.ts'
import { carriedOut } from '../../ledger/refusals.ts'
import { fingerprintOf, makeIdempotencyKey, storedKey } from '../../lib/idempotency.ts'
import { entryId } from '../../lib/ids.ts'
import { microsFromNumber, numberFromMicros } from '../../lib/micros.ts'
import { decimalFromMicros, formatPrice, parseAmount } from '../../lib/money.ts'
import { boughtCreditsLine } from '../pricing/prepaid-credits.ts'
import type { SubscriptionDependencies } from '../subscription/change-subscription.ts'
import { lockSubscriber } from '../subscription/store.ts'
import { creditsForSale, creditsSoldBy } from './credits-for-sale.ts'

/**
 * Gives a tenant credits that are a line of the invoice of the running period.
 * @throws ProblemError credits_not_sold, subscription_conflict, idempotency_conflict, too_many_grants
 */
export async function buyCredits(
  deps: SubscriptionDependencies,
  tenantNo: number,
  senderNo: number,
  { credits, key = makeIdempotencyKey() }: { credits: number; key?: string | undefined },
): Promise<z.infer<typeof topUpReply>> {
  const micros = microsFromNumber(credits)!
  return inTransaction(deps.pool, async (db) => {
    // The plan stays as it is until they are given: they cost what the reply says.
    await lockSubscriber(db, tenantNo)
    // A retry gets its first answer, whatever the plan sells by now. If the key stands for something
    // else, the ledger says so.
    const first = await logOf(db, tenantNo).under(storedKey(key))
    const price =
      first?.detail?.bought === true
        ? await creditsSoldBy(db, deps, first)
        : await creditsForSale(db, deps, tenantNo)
    const receipt = await deps.ledger.submit(
      tenantNo,
      senderNo,
      {
        kind: 'grant',
        credits: micros,
        priority: GRANT_PRIORITY_DEFAULT,
        expiresAt: null,
        reason: 'top-up',
        bought: true,
      },
      { key: storedKey(key), fingerprint: fingerprintOf(['top-up', credits]) },
    )
    const { entry, account, replayed } = carriedOut(receipt)
    const { charge } = soldCredits(price)!
    return {
      event_id: entryId('evt', tenantNo, entry.seq),
      seq: entry.seq,
      replayed,
      credits,
      currency: price.currency,
      credit_price: formatPrice(parseAmount(charge.creditPrice), price.currency),
      amount: boughtCreditsLine(price, decimalFromMicros(micros))!.amount,
      balance: numberFromMicros(account.balance),
      remaining: numberFromMicros(entry.remaining),
    }
  })
}
