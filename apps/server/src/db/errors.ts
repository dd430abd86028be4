/** What a failed statement means for whoever waits for it. */
export type DatabaseFailure = 'conflict' | 'deadlock' | 'unavailable' | 'other'

const UNIQUE_VIOLATION = '23505'
/** How `writeBatch` says that an account was not where the lane believed: see its last line. */
const DIVISION_BY_ZERO = '22012'
const DEADLOCK = '40P01'
const SERIALIZATION_FAILURE = '40001'
/** No class begins with E, but codes of Node do: EPIPE has five letters as well. */
const SQLSTATE = /^(?!E)[0-9A-Z]{5}$/
/** Codes of mistakes in a program. The rest (ECONNREFUSED, EPIPE, ERR_STREAM_DESTROYED …) break connections. */
const NOT_OF_A_CONNECTION = /^(FST|ERR)_(?!STREAM|SOCKET|SSL|TLS)/
/** Classes of SQLSTATE: connection exception, insufficient resources, operator intervention, system error. */
const UNAVAILABLE_CLASSES = new Set(['08', '53', '57', '58'])
const DATABASE_IN_USE_ELSEWHERE = new Set(['25006', '3D000', '28P01'])

export function classifyDatabaseError(error: unknown): DatabaseFailure {
  const code = (error as { code?: unknown }).code
  if (code === UNIQUE_VIOLATION || code === DIVISION_BY_ZERO) return 'conflict'
  if (code === DEADLOCK || code === SERIALIZATION_FAILURE) return 'deadlock'
  if (typeof code !== 'string') return isConnectionError(error) ? 'unavailable' : 'other'
  if (!SQLSTATE.test(code)) return NOT_OF_A_CONNECTION.test(code) ? 'other' : 'unavailable'
  if (UNAVAILABLE_CLASSES.has(code.slice(0, 2)) || DATABASE_IN_USE_ELSEWHERE.has(code)) {
    return 'unavailable'
  }
  return 'other'
}

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  const { code, constraint: name } = error as { code?: unknown; constraint?: unknown }
  return code === UNIQUE_VIOLATION && name === constraint
}

/** The driver reports a broken connection as a plain Error, with nothing but its text to know it by. */
function isConnectionError(error: unknown): boolean {
  return (
    error instanceof Error &&
    !(error instanceof TypeError || error instanceof RangeError) &&
    /connection|timeout|timed out|not queryable|client was closed|ended/i.test(error.message)
  )
}
