import type { Redis } from 'ioredis'
import { openCounters } from '../db/counters.ts'
import type { Clock } from '../lib/clock.ts'
import { networkOf } from '../lib/network-of.ts'
import { ProblemError } from '../lib/problem-error.ts'
import type { Settings } from '../lib/settings.ts'
import { HTTP_WINDOW_SECONDS } from '../limits.ts'
import { Leases } from './leases.ts'

/** What a request is counted under, and by what limit. */
export type Counted = { leases: Leases; id: string }

/**
 * How many requests may be sent, whatever they ask, before any work is done for them: by key or
 * person where one is known, by address for all else. The plan's limits are another matter.
 */
export class RequestLimits {
  private readonly keys: Leases | null
  private readonly addresses: Leases | null

  constructor(deps: { redis: Redis | null; clock: Clock; settings: Settings }) {
    const { requestsPerKey, requestsPerAddress } = deps.settings
    this.keys = leasesOf(deps, 'http:key', requestsPerKey)
    this.addresses = leasesOf(deps, 'http:address', requestsPerAddress)
  }

  /** For the hottest request: a look into memory. False: ask `ofCaller`, which can wait. */
  spend(callerId: string): boolean {
    return this.keys === null || this.keys.spend(callerId) === 'spent'
  }

  ofCaller(callerId: string): Counted | null {
    return this.keys === null ? null : { leases: this.keys, id: callerId }
  }

  ofAddress(address: string): Counted | null {
    return this.addresses === null ? null : { leases: this.addresses, id: networkOf(address) }
  }
}

type LimitDependencies = { redis: Redis | null; clock: Clock }

function leasesOf({ redis, clock }: LimitDependencies, name: string, limit: number): Leases | null {
  if (limit === 0) return null
  const windowSeconds = HTTP_WINDOW_SECONDS
  const counters = openCounters({ redis, clock, name, windowSeconds })
  return new Leases({ counters, clock, limit })
}

/** @returns the window of the point, for `giveBack`. @throws ProblemError too_many_requests */
export async function takePoint({ leases, id }: Counted): Promise<number> {
  const window = await leases.take(id)
  if (window !== null) return window
  const { limit, secondsLeft } = leases.standing(id)
  const detail = `At most ${limit} requests a minute. Try again in ${secondsLeft} seconds.`
  throw new ProblemError('too_many_requests', { detail, retryAfterSeconds: secondsLeft })
}

/** RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), beside those of a plan. */
export function limitHeaders({ leases, id }: Counted): Record<string, string> {
  const { limit, remaining, secondsLeft } = leases.standing(id)
  return {
    'ratelimit-policy': `"http";q=${limit};w=${HTTP_WINDOW_SECONDS}`,
    ratelimit: `"http";r=${remaining};t=${secondsLeft}`,
  }
}
