/** What must be looked at closely: anything by which one path can be written in several ways. */
const AMBIGUOUS = /[%\\?#;\s]|\/\/|\/\.|.\/$/
const SCHEME_AND_HOST = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i
const ESCAPED_PERCENT = /%(?:25)+/g
const ESCAPES = /(?:%[0-9a-f]{2})+/gi

/**
 * The one way to write an endpoint's path, so that no spelling of it slips past a rule: no host,
 * query or fragment, escapes decoded, `.` and `..` resolved, no doubled or trailing slash, no `;x=1`
 * after a segment. Case is kept.
 */
export function normalisePath(endpoint: string): string {
  if (endpoint.startsWith('/') && !AMBIGUOUS.test(endpoint)) return endpoint
  const path = endpoint.trim().replace(SCHEME_AND_HOST, '')
  return resolveSegments(decodeEscapes(withoutQuery(path)))
}

function withoutQuery(path: string): string {
  const end = path.search(/[?#]/)
  return end < 0 ? path : path.slice(0, end)
}

/** Until nothing changes, because a gateway in front may decode once more than the service does. */
function decodeEscapes(path: string): string {
  let decoded = path
  for (;;) {
    // An escaped `%` escaped again and again would take a round for each time.
    const next = decoded.replace(ESCAPED_PERCENT, '%').replace(ESCAPES, decodeBytes)
    if (next === decoded) return decoded
    decoded = next
  }
}

// Byte by byte, as decodeURIComponent gives up on a whole run at one bad byte, and `%62%FF` would
// keep its `%62`.
function decodeBytes(escapes: string): string {
  return Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8')
}

function resolveSegments(path: string): string {
  const segments: string[] = []
  for (const written of path.split(/[/\\]/)) {
    const segment = written.split(';', 1)[0]!.trim()
    if (segment === '' || segment === '.') continue
    if (segment === '..') segments.pop()
    else segments.push(segment)
  }
  return `/${segments.join('/')}`
}
