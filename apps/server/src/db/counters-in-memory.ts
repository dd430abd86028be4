import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible'
import { BoundedMap } from '../lib/bounded-map.ts'
import type { Clock } from '../lib/clock.ts'
import { COUNTERS_IN_MEMORY_MAX } from '../limits.ts'

type Counted = { count: number; until: number }

/**
 * Counters of this node. The library's own are without bound and have a timer each: who has many
 * addresses could fill the memory. As the library wants a limiter, so that it can stand in for Redis.
 */
export class CountersInMemory extends RateLimiterCompatibleAbstract {
  override readonly keyPrefix = ''
  override blockDuration = 0
  override execEvenly = false
  private readonly counted = new BoundedMap<Counted>(COUNTERS_IN_MEMORY_MAX)
  private readonly seconds: number
  private readonly clock: Clock

  constructor(seconds: number, clock: Clock) {
    super()
    this.seconds = seconds
    this.clock = clock
  }

  override async penalty(key: string, points = 1): Promise<RateLimiterRes> {
    const now = this.clock.now()
    const counted = this.find(key, now) ?? { count: 0, until: now + this.seconds * 1_000 }
    // What is given back for a window that has ended is nothing.
    counted.count = Math.max(0, counted.count + points)
    this.counted.set(key, counted)
    return resultOf(counted, now)
  }

  override reward(key: string, points = 1): Promise<RateLimiterRes> {
    return this.penalty(key, -points)
  }

  override consume(key: string, points = 1): Promise<RateLimiterRes> {
    return this.penalty(key, points)
  }

  override async get(key: string): Promise<RateLimiterRes | null> {
    const now = this.clock.now()
    const counted = this.find(key, now)
    return counted === null ? null : resultOf(counted, now)
  }

  override async set(key: string, count: number, seconds: number): Promise<RateLimiterRes> {
    const now = this.clock.now()
    const counted = { count, until: now + seconds * 1_000 }
    this.counted.set(key, counted)
    return resultOf(counted, now)
  }

  override block(key: string, seconds: number): Promise<RateLimiterRes> {
    return this.set(key, Number.MAX_SAFE_INTEGER, seconds)
  }

  override async delete(key: string): Promise<boolean> {
    return this.counted.delete(key)
  }

  private find(key: string, now: number): Counted | null {
    const counted = this.counted.get(key)
    return counted !== undefined && now < counted.until ? counted : null
  }
}

function resultOf({ count, until }: Counted, now: number): RateLimiterRes {
  return new RateLimiterRes(0, until - now, count)
}
