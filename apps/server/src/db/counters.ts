import type { Redis } from 'ioredis'
import { type RateLimiterAbstract, RateLimiterRedis } from 'rate-limiter-flexible'
import type { Clock } from '../lib/clock.ts'
import { CountersInMemory } from './counters-in-memory.ts'

/** What a counter says: how much was counted, and how long until it begins anew. */
export type Count = { count: number; msLeft: number }

/**
 * Counts by key, each over a window that opens with the first. All nodes on one Redis share the
 * counts; without Redis, and while it is gone, each node has its own in memory.
 */
export type Counters = {
  /** Adds points, or takes them back where they are below zero. Atomic: no two get the same count. */
  add(key: string, points: number): Promise<Count>
  read(key: string): Promise<Count | null>
  /** Sets a count, with a window of its own. */
  set(key: string, count: number, seconds: number): Promise<void>
  forget(key: string): Promise<void>
}

export type CountersOptions = {
  redis: Redis | null
  clock: Clock
  /** Tells these counters from others in the same Redis. */
  name: string
  windowSeconds: number
}

export function openCounters(options: CountersOptions): Counters {
  const { redis, clock, windowSeconds } = options
  const inMemory = new CountersInMemory(windowSeconds, clock)
  const counters = redis === null ? inMemory : countersInRedis(redis, options, inMemory)
  return {
    async add(key, points) {
      return countOf(await counters.penalty(key, points))
    },
    async read(key) {
      const result = await counters.get(key)
      return result === null ? null : countOf(result)
    },
    async set(key, count, seconds) {
      await counters.set(key, count, seconds)
    },
    async forget(key) {
      // In memory as well: what was counted while Redis was gone must not come back the next time it goes.
      await Promise.all([counters.delete(key), inMemory.delete(key)])
    },
  }
}

/**
 * As the library's own script, and: what is given back after the window has ended is nothing, where
 * it would open a new window with a count below zero. The library keeps one script per connection,
 * so that all counters must have the same.
 */
const ADD_SCRIPT = `
redis.call('set', KEYS[1], 0, 'EX', ARGV[2], 'NX')
local count = redis.call('incrby', KEYS[1], ARGV[1])
if count <= 0 then
  redis.call('del', KEYS[1])
  return {0, 0}
end
return {count, redis.call('pttl', KEYS[1])}
`

function countersInRedis(
  redis: Redis,
  { name, windowSeconds }: CountersOptions,
  insuranceLimiter: CountersInMemory,
): RateLimiterAbstract {
  return new RateLimiterRedis({
    storeClient: redis,
    keyPrefix: `tollgate:${name}`,
    // Counts are compared where they are asked for: only there is it known what a refusal means.
    points: Number.MAX_SAFE_INTEGER,
    duration: windowSeconds,
    customIncrTtlLuaScript: ADD_SCRIPT,
    rejectIfRedisNotReady: true,
    insuranceLimiter,
  })
}

function countOf({
  consumedPoints,
  msBeforeNext,
}: {
  consumedPoints: number
  msBeforeNext: number
}): Count {
  return { count: consumedPoints, msLeft: Math.max(0, msBeforeNext) }
}
