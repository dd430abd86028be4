import { LRUCache } from 'lru-cache'
import { dayAt } from '../analytics/calendar.ts'
import type { UsageSource } from '../analytics/readings/folded-reader.ts'
import { usageToday } from '../analytics/so-far.ts'
import { ALERT_TENANTS_REMEMBERED_MAX } from '../limits.ts'

type Seen = { timeZone: string; day: string; calls: number; seq: number }

/**
 * Calls of the day that runs, of tenants that are asked about again and again. A day has no more calls than
 * it had when it was last read, and lines came since: as long as that is not enough, nothing is read.
 */
export class CallsToday {
  readonly #seen = new LRUCache<number, Seen>({ max: ALERT_TENANTS_REMEMBERED_MAX })

  /** @returns how many, or fewer than `enough` where there cannot be so many */
  async count(source: UsageSource, now: number, enough: number): Promise<number> {
    const { tenantNo, timeZone, seenSeq } = source
    const day = dayAt(now, timeZone).toString()
    const seen = this.#seenIn(timeZone, tenantNo)
    // A call is never of a later day than it was recorded on, so of a new day all are behind what was seen.
    const most = seen && (seen.day === day ? seen.calls : 0) + seenSeq - seen.seq
    if (most !== undefined && most < enough) return most
    const { calls } = await usageToday(source, now)
    this.#seen.set(tenantNo, { timeZone, day, calls, seq: seenSeq })
    return calls
  }

  /** In another zone another day runs, which may have begun before. */
  #seenIn(timeZone: string, tenantNo: number): Seen | undefined {
    const seen = this.#seen.get(tenantNo)
    return seen?.timeZone === timeZone ? seen : undefined
  }
}
