/** The calls of one export: of the log up to a line, those that happened in [from, to). */
export type CallStretch = { tenantNo: number; from: number; to: number; through: number }

/** Where the next page begins, and how much it may look at. */
export type Place = { after: number; lines: number; scan: number }

/** Two small numbers (ledger/codes.ts) and three flags in one number. */
export const CODE_SQL = `kind | (reason::int4 << 8) | (counted::int4 << 16) | (overage::int4 << 17)
  | (failed::int4 << 18)`
/** What is in a code. */
export const CODE = {
  kind: (code: number) => code & 0xff,
  reason: (code: number) => (code >> 8) & 0xff,
  counted: (code: number) => ((code >> 16) & 1) === 1,
  overage: (code: number) => ((code >> 17) & 1) === 1,
  failed: (code: number) => ((code >> 18) & 1) === 1,
}

/**
 * What a page has of each call, in this order: first what is looked at before the rest. Small things come
 * together in one number, since each field costs PostgreSQL as much, however little is in it.
 */
const CALL_FIELDS = {
  seq: 'seq',
  sender_no: 'sender_no',
  code: CODE_SQL,
  recorded_at: 'recorded_at',
  occurred_at: 'occurred_at',
  credits: 'credits',
  remaining: 'remaining',
  used: 'used',
  quantity: 'quantity',
  file_size_bytes: 'file_size_bytes',
  processing_time_ms: 'processing_time_ms',
  token_count: 'token_count',
  service: 'service',
  endpoint: 'endpoint',
  method: 'method',
  region: 'region',
  feature: 'feature',
  file_type: 'file_type',
  output_format: 'output_format',
  error_code: 'error_code',
  properties: 'properties',
}
export type CallField = keyof typeof CALL_FIELDS

/** Where in a row a field is. */
export const FIELD = Object.fromEntries(
  Object.keys(CALL_FIELDS).map((name, index) => [name, index]),
) as Record<CallField, number>
export const FIELDS = Object.keys(CALL_FIELDS).length
/** The first ones, up to the sender. */
export const FIELDS_SURVEYED = FIELD.sender_no + 1

/** Not in store.ts, since COPY takes no parameters: all that stands here is numbers and times that were checked before. */
export function pageStatement(
  { tenantNo, from, to }: CallStretch,
  { after, lines, scanned }: Place & { scanned: number },
): string {
  return `COPY (
    SELECT ${Object.values(CALL_FIELDS).join(', ')} FROM entry
    WHERE tenant_no = ${whole(tenantNo)} AND seq > ${whole(after)} AND seq <= ${whole(scanned)}
      AND (kind = 3 OR kind = 4) AND ${happenedIn(from, to)}
    ORDER BY seq LIMIT ${whole(lines)}
  ) TO STDOUT (FORMAT binary)`
}

/**
 * A call happens when its sender says, but never later than it was recorded; so lines before `from` cannot
 * be about what came after, but all later ones can be about what came before. That least(occurred_at,
 * recorded_at) is in [from, to), in words that cost PostgreSQL less for each line.
 */
export function happenedIn(from: number, to: number): string {
  const [start, end] = [from, to].map((at) => `'${new Date(at).toISOString()}'::timestamptz`)
  return `recorded_at >= ${start} AND (occurred_at IS NULL OR occurred_at >= ${start})
      AND (recorded_at < ${end} OR occurred_at < ${end})`
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${value}`)
  return String(value)
}
