/** Why a call was denied. In the order of the checks: the first that fails names the reason. */
export const DENIAL_STATUS = {
  tenant_suspended: 403,
  subscription_inactive: 403,
  endpoint_not_in_plan: 403,
  premium_required: 403,
  rate_limited: 429,
  key_limit_exceeded: 429,
  quota_exceeded: 429,
  insufficient_credits: 402,
} as const
export type DenialReason = keyof typeof DENIAL_STATUS
export const DENIAL_REASONS = Object.keys(DENIAL_STATUS) as [DenialReason, ...DenialReason[]]

/** How a subscription stands. A suspension stands above all else. */
export const SUBSCRIPTION_STATUSES = [
  'active',
  'suspended',
  'trialing',
  'paused',
  'canceled',
] as const
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number]

/** Everything that can go wrong with a request, with its status and what is told in public. */
export const PROBLEMS = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unverified_event: { status: 400, title: 'The payment provider has not signed this event' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  unauthorized: { status: 401, title: 'A valid key or access token is required' },
  invalid_credentials: { status: 401, title: 'The e-mail address or the password is wrong' },
  insufficient_credits: { status: 402, title: 'There are not enough credits' },
  forbidden: { status: 403, title: 'This key or role may not do that' },
  plan_feature_required: { status: 403, title: 'The plan does not have this feature' },
  not_found: { status: 404, title: 'There is no such thing' },
  tenant_not_found: { status: 404, title: 'There is no such tenant' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  idempotency_conflict: {
    status: 409,
    title: 'The idempotency key was used before with another body',
  },
  already_exists: { status: 409, title: 'It exists already' },
  last_owner: { status: 409, title: 'The last one with this role cannot go' },
  hold_not_open: {
    status: 409,
    title: 'The hold is not open: it was settled, released or expired',
  },
  settlement_exceeds_hold: {
    status: 409,
    title: 'The settlement is larger than the hold; allow_more was not set',
  },
  not_voidable: {
    status: 409,
    title: 'There is nothing to void: the call was denied, or it is not a call',
  },
  too_many_keys: { status: 409, title: 'The tenant has too many keys' },
  too_many_members: { status: 409, title: 'The tenant has too many members and invitations' },
  too_many_grants: { status: 409, title: 'The tenant has too many open grants' },
  too_many_holds: { status: 409, title: 'The tenant has too many open holds' },
  subscription_conflict: {
    status: 409,
    title: 'The subscription is not in a state in which that can be done',
  },
  credits_not_sold: { status: 409, title: 'The plan sells no credits' },
  invoice_status_conflict: {
    status: 409,
    title: 'The invoice is not in a status in which that can be done',
  },
  credit_exceeds_invoice: {
    status: 409,
    title: 'More would be credited than the invoice asks for',
  },
  too_many_discounts: { status: 409, title: 'The tenant has too many discounts' },
  too_many_alerts: { status: 409, title: 'The tenant has too many alerts' },
  not_yet_counted: {
    status: 409,
    title: 'Calls are still being counted by this property; try again later',
  },
  no_test_clock: { status: 409, title: 'The tenant does not live on a test clock' },
  past_retention: { status: 410, title: 'That was so long ago that it is no longer kept' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported' },
  locked: { status: 423, title: 'Too many failed sign-ins; locked for a while' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  too_many_streams: { status: 429, title: 'Too many live streams are open' },
  header_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'Something went wrong here' },
  overloaded: {
    status: 503,
    title: 'Too much is waiting; try again with the same idempotency key',
  },
  database_unavailable: {
    status: 503,
    title: 'The database cannot be reached; try again with the same idempotency key',
  },
  stopping: {
    status: 503,
    title: 'This server is stopping; try again with the same idempotency key',
  },
} as const satisfies Record<string, { status: number; title: string }>
export type ProblemCode = keyof typeof PROBLEMS
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]]
