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
/** Slow senders are cut off: the headers, the whole request, a connection that says nothing. */
export const HEADERS_MS_MAX = 10_000
export const REQUEST_MS_MAX = 30_000
export const IDLE_CONNECTION_MS_MAX = 75_000

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

/** Open grants and holds travel with every write of an account, so there may not be arbitrarily many. */
export const OPEN_GRANTS_MAX = 500
/** Lower burns first. What a void gives back was the tenant's already. */
export const VOID_GRANT_PRIORITY = 0
export const OPEN_HOLDS_MAX = 1_000

/** A revoked key is refused on every node within this time; on the node that revoked it, at once. */
export const KEY_CACHE_SECONDS = 30
export const KEYS_CACHED_MAX = 50_000
export const TENANTS_CACHED_MAX = 50_000

export const DATABASE_CONNECTIONS_MAX = 10
export const DATABASE_CONNECT_MS_MAX = 5_000
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
