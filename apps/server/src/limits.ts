/**
 * Every bound of the server, named, with its unit last. Those that senders must know are in
 * packages/contract/src/limits.ts.
 */
export { CREDITS_MAX } from '@tollgate/contract'

/** A body larger than this is refused with 413 before it is read to the end. 1,000 events of the largest size fit. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024
/** A body that is no batch. No valid one comes near; a million fields would occupy a node for seconds. */
export const SINGLE_BODY_BYTES_MAX = 64 * 1024
/** In one event of a batch. Properties of the largest size hold half as many. */
export const EVENT_VALUES_MAX = 4_096
export const JSON_DEPTH_MAX = 32
export const PATH_PARAMETER_CHARS_MAX = 200
export const HEADERS_BYTES_MAX = 16 * 1024
export const HEADERS_COUNT_MAX = 100
/** Slow senders are cut off: the headers, the whole request, a connection that says nothing. Looked after so often. */
export const HEADERS_MS_MAX = 10_000
export const REQUEST_MS_MAX = 30_000
export const IDLE_CONNECTION_MS_MAX = 75_000
export const CONNECTIONS_CHECK_MS = 1_000
/** For how long browsers keep to https, and to what a preflight was told. */
export const HSTS_SECONDS = 365 * 24 * 3_600
export const CORS_PREFLIGHT_SECONDS = 600

export const LANES_COUNT = 1
/** A full lane answers 503: memory stays bounded, and the sender tries again with the same key. */
export const LANE_QUEUE_EVENTS_MAX = 20_000
export const LANE_BATCH_EVENTS_MAX = 2_000
/** Batches on one connection that were sent before the answer to the first has come. */
export const LANE_PIPELINE_BATCHES_MAX = 3
/** Fewer events than this are not sent behind another batch. */
export const LANE_PIPELINE_EVENTS_MIN = 100
/** Split among the lanes; each must hold the accounts of everything that may wait in it. */
export const ACCOUNTS_CACHED_MAX = LANES_COUNT * LANE_QUEUE_EVENTS_MAX
/** Lines that `verify` has in memory at a time. */
export const VERIFY_LINES_PER_READ = 5_000

/** How often nodes look for what is past retention. */
export const RETENTION_CHECK_HOURS = 1
export const RETENTION_TENANTS_PER_READ = 200
/** After so long a run gives way to other jobs, and goes on in the next. */
export const RETENTION_RUN_MS_MAX = 30_000
/** Verified and cut off in one transaction: a second or two, in which the tenant's bills wait. */
export const RETENTION_LINES_PER_CUT = 50_000
export const RETENTION_LINES_PER_DELETE = 2_000
/** From when a line is cut off to when it goes: longer than any request that knew it as being there. */
export const RETENTION_SETTLE_MINUTES = 60
export const ARCHIVE_LINES_PER_READ = 5_000
/** A file is written in one job, so it must take less than JOB_MS_MAX. */
export const ARCHIVE_LINES_PER_FILE = 200_000
/** So many lines that stay are moved in a moment, while all that read or write the log wait. */
export const PARTITION_MOVED_LINES_MAX = 5_000
/** How long they may wait for that to begin; then it is tried again another time. */
export const PARTITION_LOCK_MS = 100
/** A plan that a tenant had within so many days still says how much is kept: a mistake can be undone. */
export const RETENTION_PLAN_DAYS = 7

/** Open grants and holds travel with every write of an account, so there may not be arbitrarily many. */
export const OPEN_GRANTS_MAX = 500
/** Lower burns first. What a void gives back was the tenant's already. */
export const VOID_GRANT_PRIORITY = 0
export const OPEN_HOLDS_MAX = 1_000
/** Keys with a limit of their own: their counters travel with every write of the account, too. */
export const KEY_LIMITS_PER_TENANT_MAX = 100

/** A revoked key is refused on every node within this time; on the node that revoked it, at once. */
export const KEY_CACHE_SECONDS = 30
export const KEYS_CACHED_MAX = 50_000
export const TENANTS_CACHED_MAX = 50_000

/** What nobody reaches by honest work, on the fastest machine there is. The plan's limits are another matter. */
export const REQUESTS_PER_KEY_PER_MINUTE = 1_200_000
/** Of an address, where no key is needed or no valid one came: sign-ins, wrong keys, the documentation. */
export const REQUESTS_PER_ADDRESS_PER_MINUTE = 600
export const KEYS_PER_TENANT_MAX = 1_000
export const LAST_USED_SAVE_SECONDS = 30

/** What is piped in where a password is asked for. */
export const PASSWORD_INPUT_BYTES_MAX = 4_096

export const DATABASE_CONNECTIONS_MAX = 10
export const DATABASE_CONNECT_MS_MAX = 5_000
export const DATABASE_IDLE_MS_MAX = 300_000
export const DATABASE_STATEMENT_MS_MAX = 15_000
export const DATABASE_RETRY_AFTER_SECONDS = 2
export const LANE_RETRY_AFTER_SECONDS = 1

export const STOP_MS_MAX = 10_000
export const STOP_IDLE_CHECK_MS = 20
export const CATALOG_REFRESH_SECONDS = 5
export const CATALOG_BYTES_MAX = 1024 * 1024
export const CATALOG_CREDITS_MAX = 1_000_000
export const CATALOG_FACTOR_MAX = 1_000
/** Which rule an endpoint falls under, per service: forgotten all at once when there are more. */
export const RULE_MATCHES_CACHED_MAX = 4_000
export const RULES_ASKED_UNCACHED_MAX = 32
/** Monthly partitions of the log are made this far ahead. */
export const PARTITIONS_AHEAD_MONTHS = 3
export const PARTITIONS_CHECK_HOURS = 12

/** A PostgreSQL that replays its log after a crash is not up yet, but not broken either. */
export const POSTGRES_START_MS_MAX = 10 * 60_000
/** A fast shutdown writes everything that is dirty; after this it is cut short, and the next start replays the log. */
export const POSTGRES_STOP_MS_MAX = 60_000
export const POSTGRES_CUT_SHORT_MS_MAX = 10_000
/** After a `kill -9` its last processes may hold the shared memory for a moment. */
export const POSTGRES_LEFTOVER_MS_MAX = 30_000
export const POSTGRES_LEFTOVER_RETRY_MS = 100
export const POSTGRES_STATUS_POLL_MS = 10
export const POSTGRES_ADOPTED_POLL_MS = 250
export const POSTGRES_RESTART_DELAY_MS_MIN = 100
export const POSTGRES_RESTART_DELAY_MS_MAX = 10_000
export const POSTGRES_CONNECT_MS_MAX = 5_000
/** Below the ports that systems give to outgoing connections: a client that looks for a restarting server must not take its place. */
export const POSTGRES_PORT_MIN = 20_000
export const POSTGRES_PORT_MAX = 31_999
export const POSTGRES_PORT_TRIES_MAX = 20
export const POSTGRES_LOG_BYTES_MAX = 16 * 1024 * 1024
export const POSTGRES_LOG_CHECK_MS = 60_000
export const POSTGRES_LOG_TAIL_BYTES = 4_096
export const POSTGRES_LOG_TAIL_LINES = 8
/** Two starters that met at the lock step back and try again; only a Tollgate that runs refuses the other. */
export const DATA_FOLDER_CLAIM_TRIES_MAX = 50
export const DATA_FOLDER_CLAIM_RETRY_MS = 20

/** What a job may take, and how long after that its worker counts as gone: pauses and slow databases. */
export const JOB_MS_MAX = 60_000
export const JOB_HELD_MS_MAX = 75_000
export const JOBS_UPKEEP_SECONDS = 15
export const JOBS_CONCURRENT_MAX = 4
/** For jobs that are due again; of new ones the database tells at once. */
export const JOBS_POLL_MS = 2_000
export const JOBS_RESTART_MS = 500
export const JOBS_STOP_MS_MAX = 5_000
/** With waits that grow from 3 seconds to 2 hours: a mail server may be away for 3 hours. */
export const JOB_ATTEMPTS_MAX = 10
export const JOB_FAILED_KEPT_DAYS = 7

/** To hand over one e-mail. Less than JOB_MS_MAX, so that a mail server that hangs is told apart from a node that does. */
export const MAIL_MS_MAX = 45_000
export const MAIL_CONNECT_MS_MAX = 10_000
export const MAIL_IDLE_MS_MAX = 20_000
export const MAIL_SUBJECT_CHARS_MAX = 200
/** Where there is no mail server; the oldest go. */
export const MAIL_FILES_MAX = 1_000

export const INVITATION_DAYS = 7
/** After it expired, whatever became of it. */
export const INVITATION_KEPT_DAYS = 30
/** Of one tenant, and of the operator. */
export const INVITATIONS_PER_DAY_MAX = 200
export const MEMBERS_PER_TENANT_MAX = 1_000

/** A Redis that is slower counts as gone: sign-ins and limits then go on in memory. */
export const REDIS_TIMEOUT_MS = 500
export const REDIS_TIMEOUT_MS_MAX = 60_000
export const REDIS_CONNECT_MS_MAX = 2_000
export const REDIS_RETRY_MS_MAX = 2_000
/** Per kind of counter, where there is no Redis or it is gone; the one that was not asked for longest goes. */
export const COUNTERS_IN_MEMORY_MAX = 100_000

/** Wrong passwords for one account, and what follows. */
export const LOCKOUT_FAILURES_MAX = 5
export const LOCKOUT_WINDOW_SECONDS = 15 * 60
export const LOCKOUT_SECONDS = 15 * 60
/** Of one address for whatever accounts: a whole office may have one. */
export const LOCKOUT_ADDRESS_FAILURES_MAX = 50

/** Argon2id as OWASP advises; each takes some 20 ms of one of Node's four threads. */
export const PASSWORD_HASH_MEMORY_KIB = 19_456
export const PASSWORD_HASH_PASSES_COUNT = 2
export const PASSWORD_HASH_THREADS_COUNT = 1
/** Leaves threads for what else Node does with them: files, names of hosts. */
export const PASSWORD_HASHES_RUNNING_MAX = 2
/** More are refused with 503: memory stays bounded, and nobody waits for long. */
export const PASSWORD_HASHES_WAITING_MAX = 100
export const ACCESS_TOKEN_SECONDS = 15 * 60
/** From the sign-in on, however often it is refreshed. */
export const SESSION_DAYS = 30
/** Whoever signs in once more ends the oldest. */
export const SESSIONS_PER_MEMBER_MAX = 100
/** A node may sign with a key this long after another node retired it. */
export const SIGNING_KEY_CACHE_SECONDS = 30
/** A token that names a key we do not know makes us look for it, but not more often than this. */
export const SIGNING_KEY_LOOK_SECONDS = 1
/** How long others may keep our public keys. */
export const SIGNING_KEYS_PUBLIC_SECONDS = 300
export const PASSWORD_RESET_MINUTES = 60
export const EMAIL_VERIFICATION_HOURS = 24
/** Not yet expired, per person and purpose: whoever asks again and again cannot flood a mailbox. */
export const EMAIL_TOKENS_PER_PURPOSE_MAX = 5
/** What expired stays for a day, for people to look at. */
export const SIGN_IN_TRASH_HOURS = 24
export const SIGN_IN_TRASH_ROWS_PER_DELETE = 1_000
export const SIGN_IN_TRASH_CHECK_MINUTES = 60
/** Locked accounts that this node has told the audit log of. */
export const LOCKS_TOLD_CACHED_MAX = 10_000

export const HTTP_WINDOW_SECONDS = 60
/** What a node takes at a time of what a key or address may ask in a window: so much of it may be lost on other nodes. */
export const HTTP_LEASES_PER_WINDOW = 100
/** Keys, and addresses, whose leases a node holds; a lease that is forgotten is lost for its window. */
export const HTTP_LEASES_MAX = 50_000

/** All of them are told at once. */
export const PLANS_ON_OFFER_MAX = 500
export const FORMAT_FAMILIES_MAX = 200
export const FORMATS_PER_FAMILY_MAX = 200
export const CURRENCIES_PER_PLAN_MAX = 20
export const TRIAL_DAYS_MAX = 366

/** To have a payment requested or cancelled. Less than JOB_MS_MAX, as for e-mails. */
export const PAYMENT_MS_MAX = 45_000
/** With waits that grow to 6 hours: a provider may be away, or its key be wrong, for more than two days. */
export const PAYMENT_ATTEMPTS_MAX = 20
/** An event carries its whole invoice, with up to STRIPE_LINES_PER_INVOICE_MAX lines. */
export const PAYMENT_EVENT_BYTES_MAX = 1024 * 1024
/** Stripe sends one again for 3 days, and people may for 30. */
export const PAYMENT_EVENT_KEPT_DAYS = 90
export const STRIPE_CALL_MS_MAX = 10_000
/** Of one call, with its key; a job is tried again as a whole. */
export const STRIPE_CALL_RETRIES_MAX = 1
/** A key under which Stripe keeps a failure of its own is no use for a day. */
export const STRIPE_KEYS_PER_STEP_MAX = 3
/** Of one customer, newest first, to find whether ours is there. */
export const STRIPE_INVOICES_LOOKED_AT_MAX = 1_000
/** Of one invoice, likewise. */
export const STRIPE_CREDIT_NOTES_LOOKED_AT_MAX = 1_000
/** An invoice with more lines has one line there, for all of it. */
export const STRIPE_LINES_PER_INVOICE_MAX = 250
/** Stripe signs again when it sends again, so an older signature was kept by somebody. */
export const STRIPE_SIGNATURE_SECONDS_MAX = 300
/** Lines of a log that are folded, or measured again, at a time: each page holds up all other work of the node. */
export const BILLING_LINES_PER_READ = 1_000
/** Tenants whose invoices a node works out at a time. */
export const BILLING_TENANTS_AT_ONCE = 4
export const BILLING_TENANTS_PER_READ = 200
/** How often a node asks for what is to be billed. */
export const BILLING_CHECK_SECONDS = 60
/** From a period's end to its invoice, for events that come late. */
export const BILLING_GRACE_MINUTES = 60
export const BILLING_DUE_DAYS = 14
export const DISCOUNTS_PER_TENANT_MAX = 20
/** Of an invoice, in its e-mail. */
export const LETTER_LINES_MAX = 50
/** Lines of the log that an explanation names one by one. */
export const EXPLAINED_LINES_MAX = 1_000
/** Lines of a log that a page of credits with calls looks at. */
export const CREDIT_LINES_SCANNED_MAX = 5_000
/** What happened in less time says nothing of a day. */
export const CREDIT_FORECAST_BASIS_MS_MIN = 3_600_000
export const CREDIT_FORECAST_DAYS_MAX = 366
/** Expiries and periods on the way: there are as many as open grants and holds, and twelve more. */
export const CREDIT_FORECAST_STEPS_MAX = OPEN_GRANTS_MAX + OPEN_HOLDS_MAX + 12
export const TEST_CLOCK_DAYS_MAX = 3_653
/** A job that bills goes on in another after so long. Less than JOB_MS_MAX by what one tenant may take. */
export const BILLING_RUN_MS_MAX = 30_000
/** Fonts that were read and unpacked; most are parts of 50 kB, the one for rare scripts is 15 MB. */
export const FONTS_CACHED_MAX = 100
/** Of a text in a PDF: a page has room for so much. HTML and CSV have all of it. */
export const PDF_TEXT_CHARS_MAX = 1_000
/** Rows that are drawn before others get their turn: a long invoice must not hold up calls. */
export const PDF_ROWS_PER_TURN = 10
/** More are refused with 503: memory stays bounded. */
export const PDFS_WAITING_MAX = 200
export const PDF_THREAD_HEAP_MB_MAX = 512
/** A thread with its fonts has 60 MB, which a server needs back that makes a few PDFs a day. */
export const PDF_THREAD_IDLE_SECONDS = 60
/** Few, so that a node that answers an operator's question goes on deciding calls in between. */
export const BACKTEST_LINES_PER_READ = 500
export const BACKTEST_TENANTS_AT_ONCE = 2
export const BACKTEST_TENANTS_PER_READ = 200
/** In one request; one tenant with more is answered all the same, and alone. */
export const BACKTEST_LINES_PER_REQUEST_MAX = 200_000
export const BACKTESTS_RUNNING_MAX = 1
export const BACKTEST_RETRY_AFTER_SECONDS = 5

/**
 * Lines that one statement folds, of all tenants together: at first, and as many as it holds in memory.
 * In between it follows how long statements take.
 */
export const USAGE_FOLD_LINES_PER_STATEMENT = 5_000
export const USAGE_FOLD_LINES_PER_STATEMENT_MIN = 100
export const USAGE_FOLD_LINES_PER_STATEMENT_MAX = 100_000
export const USAGE_FOLD_STATEMENT_MS = 1_000
/** Of the tenants, that are folded beside each other. */
export const USAGE_FOLD_SHARES = 2
export const USAGE_FOLD_SECONDS = 1
/** Tails as long as this are folded every second, shorter ones with all others: readers add what is not folded. */
export const USAGE_FOLD_LINES_MIN = 1_000
export const USAGE_FOLD_ALL_SECONDS = 600
/** How often a node looks for tenants that are new, or have moved to another time zone. */
export const USAGE_PLACE_SECONDS = 10
export const USAGE_PLACES_PER_READ = 1_000
/** Of one tenant, hour and dimension; further ones are counted together. */
export const USAGE_VALUES_PER_HOUR_MAX = 200
export const USAGE_VALUES_PER_DAY_MAX = 1_000
/** Of an endpoint: what is longer does not fit an index. */
export const USAGE_VALUE_CHARS_MAX = 400
/** Series of one tenant that are counted for life; what comes after them is counted together. */
export const USAGE_PROPERTIES_MAX = 5
export const USAGE_COUNTERS_MAX = 1_000
/** Of a label of such a series. */
export const USAGE_LABEL_CHARS_MAX = 100
/** Lines of a log that an answer by the minute or second may read. */
export const USAGE_LOG_LINES_MAX = 500_000
/** How much later than it happened a call may be recorded, to be in an answer by the minute or second. */
export const USAGE_LOG_LATE_HOURS = 24
/** Of a tail that a node goes on with although they are folded: then what it has read of rollups is read again. */
export const USAGE_TAIL_LINES_MAX = 5_000
/** What a node remembers of rollups, and once more of lines that are not in them: in all, and of one reading. */
export const USAGE_REMEMBERED_BYTES_MAX = 16_000_000
export const USAGE_REMEMBERED_READING_BYTES_MAX = 4_000_000
/** Dates of one answer, and of all its series together. */
export const USAGE_DATES_MAX = 4_000
/** Of all ranges together, that a node remembers the names of. */
export const USAGE_DATES_REMEMBERED_MAX = 40_000
export const USAGE_POINTS_MAX = 20_000
/** Of a tenant's endpoints and services, those with most calls, that plans are asked about. */
export const RECOMMEND_ENDPOINTS_MAX = 200
export const RECOMMEND_SERVICES_MAX = 20
/** That are told one by one. */
export const WASTEFUL_ENDPOINTS_MAX = 10
export const IDLE_KEYS_TOLD_MAX = 50
/** Of one tenant, that `verify` tells one by one. */
export const USAGE_DIFFERENCES_TOLD_MAX = 20
/** Between looks of who rebuilds, while another node folds. */
export const USAGE_REBUILD_WAIT_MS = 100

/** Live streams that one tenant has open on a node, and all tenants together; further ones get 429. */
export const STREAMS_PER_TENANT_MAX = 20
export const STREAMS_MAX = 500
/** How often a node asks which logs have grown that it has streams of: what other nodes wrote is seen so much later. */
export const STREAM_POLL_MS = 1_000
/** A log that grows all the time is read so often, and not for every commit. */
export const STREAM_READ_PAUSE_MS = 50
/** Lines that a stream holds in memory. */
export const STREAM_LINES_PER_READ = 100
/** Of all streams together, beside all else that asks the database. */
export const STREAM_READS_AT_ONCE_MAX = 2
export const STREAM_BUFFER_BYTES = 16 * 1024
/** So that neither a proxy nor a browser takes a quiet stream for a dead one. */
export const STREAM_HEARTBEAT_MS = 15_000
/** Who does not take what is sent in this time is dropped. */
export const STREAM_SLOW_MS = 30_000
/** To take the last words of a stream that ends. Less than STOP_MS_MAX. */
export const STREAM_LAST_WORDS_MS = 3_000
/** How often the plans of tenants with streams are looked at. */
export const STREAM_PLAN_CHECK_MS = 30_000
/** What readers are told to wait before they connect again. */
export const STREAM_RETRY_MS = 2_000

/** How often a node looks at the alerts of logs that have grown. */
export const ALERT_CHECK_SECONDS = 1
/** An error rate is read from the log, of which an hour may be long: so often at most. */
export const ALERT_ERROR_RATE_SECONDS = 10
/** A rule while it is raised: by then the log has answered, or is asked again. */
export const ALERT_HELD_SECONDS_MAX = 10
/** Read at a time. */
export const ALERT_RULES_PER_READ = 200
/** Whose calls of the day a node remembers. */
export const ALERT_TENANTS_REMEMBERED_MAX = 10_000

/** Of an export, one page being sent and one being read. */
export const EXPORT_LINES_PER_PAGE_MAX = 10_000
/** What a page keeps; the rest of its lines is read again. Many times what a line can have. */
export const EXPORT_PAGE_BYTES_MAX = 4 * 1024 * 1024
export const EXPORT_PAGE_BYTES_MIN = 256 * 1024
/** That one statement looks at for calls that happened in the range: a fraction of what it has time for. */
export const EXPORT_LINES_PER_SCAN_MAX = 100_000
/** What is made before others get their turn, and what a slow reader has waiting. */
export const EXPORT_CHUNK_BYTES = 64 * 1024
export const EXPORT_ROWS_PER_ROW_GROUP = 10_000
/** More wait: with 429 for the tenant, with 503 for the node. */
export const EXPORTS_PER_TENANT_MAX = 2
export const EXPORTS_PER_NODE_MAX = 4
export const EXPORT_RETRY_AFTER_SECONDS = 5
/** Who takes nothing for so long is cut off, since others wait. */
export const EXPORT_STALLED_SECONDS_MAX = 60
