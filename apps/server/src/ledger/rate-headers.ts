import type { TrackReply } from '@tollgate/contract'

const SECONDS = { second: 1, minute: 60, hour: 3_600, day: 86_400 } as const

/**
 * The plan's limits as headers of a single decision, for clients that know nothing of ours:
 * RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers), Retry-After on 429.
 * @param now the tenant's own, ms: what resets on a test clock resets by that
 */
export function rateHeaders(reply: TrackReply, now: number): Record<string, string> {
  const headers: Record<string, string> = {}
  if (reply.rate_limits.length > 0) {
    headers['ratelimit-policy'] = reply.rate_limits
      .map(({ limit, per }) => `"${per}";q=${limit};w=${SECONDS[per]}`)
      .join(', ')
    headers.ratelimit = reply.rate_limits
      .map(
        ({ per, remaining, resets_at }) =>
          `"${per}";r=${remaining};t=${secondsUntil(resets_at, now)}`,
      )
      .join(', ')
  }
  const retryAt = retryTime(reply)
  if (retryAt !== null) headers['retry-after'] = String(Math.max(1, secondsUntil(retryAt, now)))
  return headers
}

/** When a denied call may be tried again: the last of the closed windows to open, or the next period. */
function retryTime({ reason, quota, rate_limits }: TrackReply): string | null {
  if (reason === 'quota_exceeded' || reason === 'key_limit_exceeded') return quota.resets_at
  if (reason !== 'rate_limited') return null
  const closed = rate_limits.filter(({ remaining }) => remaining === 0)
  return (
    closed
      .map(({ resets_at }) => resets_at)
      .sort()
      .at(-1) ?? null
  )
}

function secondsUntil(instant: string, now: number): number {
  return Math.max(0, Math.ceil((Date.parse(instant) - now) / 1_000))
}
