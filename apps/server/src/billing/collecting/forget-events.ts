import type { Queryable } from '../../db/pool.ts'
import { PAYMENT_EVENT_KEPT_DAYS } from '../../limits.ts'
import { deleteOldPaymentEvents } from './store.ts'

/** Those that nobody sends again, so that their ids do not pile up. */
export function forgetPaymentEvents(db: Queryable): Promise<void> {
  return deleteOldPaymentEvents(db, PAYMENT_EVENT_KEPT_DAYS)
}
