import type { FieldError, ProblemCode } from '@tollgate/contract'
import { ProblemError } from '../lib/problem-error.ts'
import { KEY_LIMITS_PER_TENANT_MAX } from '../limits.ts'
import type { Receipt } from './submission.ts'
import { TIMESTAMP_BOUNDS } from './timestamp-bounds.ts'
import type { Entry, Refusal } from './types.ts'

const PROBLEM_OF_REFUSAL: Record<Refusal, ProblemCode> = {
  hold_not_open: 'hold_not_open',
  settlement_exceeds_hold: 'settlement_exceeds_hold',
  balance_too_low: 'insufficient_credits',
  too_many_grants: 'too_many_grants',
  too_many_holds: 'too_many_holds',
  too_many_key_limits: 'too_many_keys',
  grant_expired: 'invalid_request',
  subscription_not_active: 'subscription_conflict',
  subscription_not_paused: 'subscription_conflict',
  nothing_pending: 'subscription_conflict',
  no_test_clock: 'no_test_clock',
  clock_goes_back: 'invalid_request',
  nothing_lapsed: 'internal_error',
  usage_too_large: 'invalid_request',
  timestamp_out_of_bounds: 'invalid_request',
}

/** Where a refusal is about a field that was sent. */
const FIELD_OF_REFUSAL: Partial<Record<Refusal, FieldError>> = {
  grant_expired: { field: 'expires_at', message: 'must lie in the future' },
  clock_goes_back: { field: 'now', message: 'lies before the time that the test clock shows' },
  usage_too_large: {
    field: 'quantity',
    message: 'makes the usage of the period too large to be counted',
  },
  timestamp_out_of_bounds: { field: 'timestamp', message: TIMESTAMP_BOUNDS },
  too_many_key_limits: {
    field: 'calls_per_period',
    message: `at most ${KEY_LIMITS_PER_TENANT_MAX} keys of a tenant have a limit of their own`,
  },
}

/** What is in the way, where the code does not say it all. */
const DETAIL_OF_REFUSAL: Partial<Record<Refusal, string>> = {
  subscription_not_active: 'The subscription is paused or canceled.',
  subscription_not_paused: 'The subscription is not paused, and nothing is about to end it.',
  nothing_pending: 'Nothing is about to happen when the period ends.',
}

/** The receipt of an order that was carried out; a refused one is a problem, and so is a denied one. */
export function carriedOut(
  receipt: Receipt,
): Extract<Receipt, { refusal: null }> & { entry: Entry } {
  if (receipt.refusal !== null) throw refused(receipt.refusal)
  if (receipt.entry.reason === 'insufficient_credits')
    throw new ProblemError('insufficient_credits')
  if (receipt.entry.reason !== null) {
    throw new ProblemError('forbidden', {
      detail: `The tenant's calls are denied: ${receipt.entry.reason}.`,
    })
  }
  return receipt
}

/** @param timestampField what the sender calls the time of a call */
export function refused(refusal: Refusal, timestampField = 'timestamp'): ProblemError {
  const named = FIELD_OF_REFUSAL[refusal]
  const field = named?.field === 'timestamp' ? { ...named, field: timestampField } : named
  const detail = DETAIL_OF_REFUSAL[refusal]
  return new ProblemError(PROBLEM_OF_REFUSAL[refusal], {
    ...(field === undefined ? {} : { errors: [field] }),
    ...(detail === undefined ? {} : { detail }),
  })
}
