import type { Catalog } from '../catalog/catalog.ts'
import { commandOf } from './command-of.ts'
import { decide, newClockOf } from './decide.ts'
import { planAtHand } from './plan-at-hand.ts'
import type { Batch } from './store.ts'
import type { Receipt, Submission } from './submission.ts'
import { planVersionAt, timeOf } from './subscription.ts'
import { timestampRefusal } from './timestamp-bounds.ts'
import type { Account } from './types.ts'

export type DecidedBatch = { submissions: Submission[]; receipts: Receipt[]; batch: Batch }

/**
 * Decides submissions in order, each on what the one before left. Pure but for `accountOf`.
 * An account that was only refused something is part of the batch as well: its condition says that
 * the refusal was right.
 */
export function decideBatch(
  submissions: Submission[],
  accountOf: (tenantNo: number) => Account | undefined,
  catalog: Catalog,
  now: number,
): DecidedBatch {
  const accounts = new Map<number, { beforeSeq: number; after: Account }>()
  const batch: Batch = { accounts: [], lines: [] }
  const receipts = submissions.map((submission): Receipt => {
    const { tenantNo, senderNo, idempotency, order } = submission
    const touched = accounts.get(tenantNo)
    const account = touched?.after ?? accountOf(tenantNo)
    if (account === undefined) throw new Error(`no account at hand for tenant ${tenantNo}`)

    const at = timeOf(account, now, newClockOf(order))
    const terms = planAtHand(catalog, planVersionAt(account, at))
    const command = commandOf(order, senderNo, account, catalog, at)
    const refusal = timestampRefusal(order, at)
    const outcome =
      refusal === null
        ? decide(account, command, terms, now)
        : ({ account, entries: [], refusal } as const)
    if (touched === undefined) {
      accounts.set(tenantNo, { beforeSeq: account.lastSeq, after: outcome.account })
    } else {
      touched.after = outcome.account
    }
    if (outcome.refusal !== null) {
      return { entry: null, account: outcome.account, replayed: false, refusal: outcome.refusal }
    }
    const entry = outcome.entries.at(-1)!
    for (const line of outcome.entries) {
      batch.lines.push({
        tenantNo,
        senderNo,
        entry: line,
        idempotency: line === entry && order.kind !== 'lapse' ? idempotency : null,
      })
    }
    return { entry, account: outcome.account, replayed: false, refusal: null }
  })
  batch.accounts = [...accounts.values()].sort((a, b) => a.after.tenantNo - b.after.tenantNo)
  return { submissions, receipts, batch }
}
