import type { Counters } from '../db/counters.ts'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { HTTP_LEASES_MAX, HTTP_LEASES_PER_WINDOW, HTTP_WINDOW_SECONDS } from '../limits.ts'

export type Standing = { limit: number; remaining: number; secondsLeft: number }

type Lease = {
  /** Which window the points are of, and until when. */
  window: number
  until: number
  /** Taken from the counters and not spent yet. */
  points: number
  /** What the counters had left when they were last asked. */
  left: number
  /** Who waits for points. */
  waiting: number
  refill: Promise<void> | null
}

/**
 * A limit that all nodes share, without asking Redis for each request. A node takes points from the
 * counters a hundredth of the limit at a time, spends them in memory, and takes the next while half
 * of them are left. A point is taken before it is spent, and by one node only, so the limit is never
 * exceeded. The price: what other nodes hold and do not spend is refused here, at most one and a
 * half hundredths of the limit for each of them. While Redis is gone each node counts by itself.
 */
export class Leases {
  private readonly leases = new BoundedMap<Lease>(HTTP_LEASES_MAX)
  private readonly counters: Counters
  private readonly clock: Clock
  private readonly limit: number
  private readonly chunk: number

  constructor(deps: { counters: Counters; clock: Clock; limit: number }) {
    this.counters = deps.counters
    this.clock = deps.clock
    this.limit = deps.limit
    this.chunk = Math.max(1, Math.floor(deps.limit / HTTP_LEASES_PER_WINDOW))
  }

  /** At once, from what is in memory. Unknown: only `take` can tell. */
  spend(id: string): 'spent' | 'refused' | 'unknown' {
    const lease = this.leases.get(id)
    return lease === undefined ? 'unknown' : this.spendOf(id, lease)
  }

  /** Resolves with the window that the point is of; null: there are no more. */
  async take(id: string): Promise<number | null> {
    const lease = this.leaseOf(id)
    lease.waiting += 1
    try {
      for (;;) {
        const spent = this.spendOf(id, lease)
        if (spent !== 'unknown') return spent === 'spent' ? lease.window : null
        await this.refill(id, lease)
      }
    } finally {
      lease.waiting -= 1
    }
  }

  /** A point that was taken in a window and not needed after all. */
  giveBack(id: string, window: number): void {
    const lease = this.leases.get(id)
    if (lease?.window === window) lease.points += 1
  }

  standing(id: string): Standing {
    const { limit } = this
    const lease = this.leases.get(id)
    const msLeft = lease === undefined ? 0 : lease.until - this.clock.now()
    if (lease === undefined || msLeft <= 0) {
      return { limit, remaining: limit, secondsLeft: HTTP_WINDOW_SECONDS }
    }
    return { limit, remaining: lease.points + lease.left, secondsLeft: Math.ceil(msLeft / 1_000) }
  }

  private leaseOf(id: string): Lease {
    const known = this.leases.get(id)
    if (known !== undefined) return known
    const lease = { window: 0, until: 0, points: 0, left: 0, waiting: 0, refill: null }
    this.leases.set(id, lease)
    return lease
  }

  private spendOf(id: string, lease: Lease): 'spent' | 'refused' | 'unknown' {
    if (this.clock.now() >= lease.until) return 'unknown'
    if (lease.points === 0) return lease.left === 0 ? 'refused' : 'unknown'
    lease.points -= 1
    const isLow = lease.points <= this.chunk / 2 && lease.left > 0
    // If it fails, whoever finds the lease empty is told.
    if (isLow && lease.refill === null) this.refill(id, lease).catch(() => undefined)
    return 'spent'
  }

  private refill(id: string, lease: Lease): Promise<void> {
    lease.refill ??= this.fetch(id, lease).finally(() => {
      lease.refill = null
    })
    return lease.refill
  }

  private async fetch(id: string, lease: Lease): Promise<void> {
    const wanted = Math.min(this.limit, Math.max(this.chunk, lease.waiting))
    // Before the answer has come, so that the window never lasts longer here than there.
    const asked = this.clock.now()
    const { count, msLeft } = await this.counters.add(id, wanted)
    const until = asked + msLeft
    if (until - lease.until > (HTTP_WINDOW_SECONDS * 1_000) / 2) {
      lease.window += 1
      lease.points = 0
    }
    lease.until = until
    lease.points += Math.max(0, wanted - Math.max(0, count - this.limit))
    lease.left = Math.max(0, this.limit - count)
  }
}
