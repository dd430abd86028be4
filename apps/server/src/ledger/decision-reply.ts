import type { TrackReply } from '@tollgate/contract'
import type { PlanTerms } from '../catalog/types.ts'
import { entryId } from '../lib/ids.ts'
import { instantText } from '../lib/instant-text.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { windowsAt } from './account.ts'
import { keyLimitOf } from './key-usage.ts'
import type { Receipt } from './submission.ts'
import type { Account, SenderNo } from './types.ts'

type QuotaState = TrackReply['quota']
type KeyLimitState = NonNullable<TrackReply['key_limit']>
type RateLimitState = TrackReply['rate_limits'][number]

/**
 * What the sender of a call is told. Of a replay, the decision with its credits and quota as they
 * were first; the limits and when they reset are those of now, the key's own those of who asks.
 */
export function decisionReply(
  { entry, account, replayed }: Extract<Receipt, { refusal: null }>,
  terms: PlanTerms,
  idempotencyKey: string,
  senderNo: SenderNo,
): TrackReply {
  const reply: TrackReply = {
    event_id: entryId('evt', account.tenantNo, entry.seq),
    idempotency_key: idempotencyKey,
    seq: entry.seq,
    decision: entry.reason === null ? 'allowed' : 'denied',
    reason: entry.reason,
    replayed,
    overage: entry.overage,
    credits: {
      charged: numberFromMicros(-entry.credits),
      remaining: numberFromMicros(entry.remaining),
    },
    quota: quotaState(account, terms, entry.used),
    rate_limits: rateLimitStates(account, terms, account.lastAt),
  }
  const keyLimit = keyLimitState(account, senderNo)
  return keyLimit === null ? reply : { ...reply, key_limit: keyLimit }
}

function keyLimitState({ keyLimits, period }: Account, senderNo: SenderNo): KeyLimitState | null {
  const own = keyLimitOf(keyLimits, senderNo)
  if (own === undefined) return null
  const remaining = own.limit - own.used
  return {
    limit: numberFromMicros(own.limit),
    used: numberFromMicros(own.used),
    remaining: numberFromMicros(remaining > 0n ? remaining : 0n),
    resets_at: instantText(period.end),
  }
}

export function quotaState(
  account: Account,
  { quota }: PlanTerms,
  used = account.counters.used,
): QuotaState {
  const remaining = quota === null ? null : quota.limit - used
  return {
    used: numberFromMicros(used),
    limit: quota === null ? null : numberFromMicros(quota.limit),
    remaining: remaining === null ? null : numberFromMicros(remaining > 0n ? remaining : 0n),
    resets_at: instantText(account.period.end),
  }
}

/** One for each rate limit of the plan. A window that has not opened resets as long from now as it lasts. */
export function rateLimitStates(account: Account, terms: PlanTerms, now: number): RateLimitState[] {
  if (terms.rateLimits.length === 0) return []
  return windowsAt(account, terms, now).map((window, index) => {
    const { limit, per, ms } = terms.rateLimits[index]!
    return {
      limit,
      per,
      remaining: Math.max(0, limit - window.count),
      resets_at: instantText(window.start + ms),
    }
  })
}
