/** Bounds of the wire, named, with the unit last: part of the contract, so that clients can check before they send. */
export const BATCH_EVENTS_MAX = 1_000
export const PROPERTIES_BYTES_MAX = 4_096
export const PROPERTIES_DEPTH_MAX = 16
export const IDEMPOTENCY_KEY_CHARS_MAX = 255
export const NAME_CHARS_MAX = 200
export const ENDPOINT_CHARS_MAX = 1_024
export const REASON_CHARS_MAX = 500
export const EMAIL_CHARS_MAX = 254
export const QUANTITY_MAX = 1_000_000_000
export const CREDITS_MAX = 1_000_000_000
export const GRANT_PRIORITY_DEFAULT = 100
export const GRANT_PRIORITY_MAX = 1_000
export const HOLD_SECONDS_DEFAULT = 15 * 60
export const HOLD_SECONDS_MAX = 7 * 24 * 3_600
export const KEY_OVERLAP_SECONDS_DEFAULT = 24 * 3_600
export const KEY_OVERLAP_SECONDS_MAX = 30 * 24 * 3_600
export const PAGE_ROWS_DEFAULT = 50
export const PAGE_ROWS_MAX = 500
/** Events older than this or further ahead than this, by their tenant's time, carry a broken clock, not a late delivery. */
export const OCCURRED_AGO_DAYS_MAX = 400
export const OCCURRED_AHEAD_HOURS_MAX = 24
/** Years of four digits, with room for periods and expiries on both sides: no others are read again. */
export const TEST_CLOCK_EARLIEST = '2000-01-01T00:00:00Z'
export const TEST_CLOCK_LATEST = '9900-01-01T00:00:00Z'
/** Of bytes, milliseconds and tokens of one call. */
export const COUNT_MAX = 1_000_000_000_000
/** In characters as people count them (code points), after NFKC. */
export const PASSWORD_CHARS_MIN = 10
export const PASSWORD_CHARS_MAX = 128
/** Of a password or token as it is sent. */
export const SECRET_CHARS_MAX = 1_024
/** Of what is to be estimated: a meter may add up bytes. */
export const ESTIMATE_QUANTITY_MAX = 1_000_000_000_000_000
export const ESTIMATE_METERS_MAX = 100
export const ESTIMATE_GROUPS_PER_METER_MAX = 200
/** Values of a dimension that are shown by themselves. */
export const USAGE_SERIES_DEFAULT = 10
export const USAGE_SERIES_MAX = 50
/** Of a tenant. */
export const ALERTS_MAX = 20
/** Quotas that are not hard can be used beyond. */
export const ALERT_QUOTA_PERCENT_MAX = 1_000
export const ALERT_CALLS_MAX = 1_000_000_000
export const ALERT_WINDOW_MINUTES_DEFAULT = 60
export const ALERT_WINDOW_MINUTES_MAX = 24 * 60
export const BACKTEST_TENANTS_MAX = 200
/** Of an address on an invoice, as on an envelope. */
export const ADDRESS_LINES_MAX = 8
export const TAX_ID_CHARS_MAX = 50
/** Of money in a request: digits before the point. */
export const MONEY_DIGITS_MAX = 12
export const MONEY_DECIMALS_MAX = 6
export const TAX_RATE_DECIMALS_MAX = 4
/** Invoices that a discount takes from. */
export const DISCOUNT_PERIODS_MAX = 1_200
