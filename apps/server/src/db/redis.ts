import { Redis } from 'ioredis'
import type { RedisSettings } from '../lib/settings.ts'
import { REDIS_CONNECT_MS_MAX, REDIS_RETRY_MS_MAX } from '../limits.ts'

const RETRY_MS_STEP = 100

/** Where the connection tells that it went and came: a line each, however many commands failed. */
export type RedisLog = { info(what: object, message: string): void; warn: RedisLog['info'] }

/**
 * A connection to Redis that nobody has to wait for. While it is away, and when an answer takes
 * longer than `timeoutMs`, commands fail at once, and whoever asked does without.
 */
export async function openRedis({ url, timeoutMs }: RedisSettings, log: RedisLog): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    // One that holds the connection and says nothing is gone as well, and is then asked no more.
    socketTimeout: timeoutMs,
    connectTimeout: REDIS_CONNECT_MS_MAX,
    retryStrategy: (tries) => Math.min(tries * RETRY_MS_STEP, REDIS_RETRY_MS_MAX),
  })
  tellWhetherItIsThere(redis, log)
  // The first sign-in should count where the others look. A Redis that is away is waited for no longer than this.
  await redis.connect().catch(() => undefined)
  return redis
}

function tellWhetherItIsThere(redis: Redis, log: RedisLog): void {
  let isThere: boolean | null = null
  let cause: string | undefined
  redis.on('error', (error: Error) => {
    // Of several errors the first is the one that says why.
    cause ??= error.message
  })
  redis.on('close', () => {
    if (isThere !== false) {
      log.warn(
        { cause },
        'Redis is gone; limits and lockouts are counted in memory until it is back',
      )
    }
    isThere = false
    cause = undefined
  })
  redis.on('ready', () => {
    if (isThere === false) log.info({}, 'Redis is back')
    isThere = true
    cause = undefined
  })
  // Told to close: nothing is wrong.
  redis.on('end', () => redis.removeAllListeners())
}

/** Without waiting for answers that may not come. */
export function closeRedis(redis: Redis): void {
  redis.removeAllListeners('close')
  redis.disconnect()
}
