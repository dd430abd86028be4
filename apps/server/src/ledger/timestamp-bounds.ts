import { OCCURRED_AGO_DAYS_MAX, OCCURRED_AHEAD_HOURS_MAX } from '@tollgate/contract'
import type { Order } from './command-of.ts'

const AGO_MS_MAX = OCCURRED_AGO_DAYS_MAX * 86_400_000
const AHEAD_MS_MAX = OCCURRED_AHEAD_HOURS_MAX * 3_600_000

export const TIMESTAMP_BOUNDS = `from ${OCCURRED_AGO_DAYS_MAX} days before to ${OCCURRED_AHEAD_HOURS_MAX} hours after now`

/**
 * Whether an order may say of its call that it happened when it says. Asked before an order becomes a
 * line and not in `decide`: lines that were written under other bounds are decided again as they are.
 * @param now the tenant's own, ms
 */
export function timestampRefusal(order: Order, now: number): 'timestamp_out_of_bounds' | null {
  if (order.kind !== 'call' && order.kind !== 'report') return null
  const { occurredAt } = order.call
  if (occurredAt === null) return null
  const isWithin = occurredAt >= now - AGO_MS_MAX && occurredAt <= now + AHEAD_MS_MAX
  return isWithin ? null : 'timestamp_out_of_bounds'
}
