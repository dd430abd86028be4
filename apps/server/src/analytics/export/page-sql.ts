/** The calls of one export: of the log up to a line, those that happened in [from, to). */
export type CallStretch = { tenantNo: number; from: number; to: number; through: number }

/** Where the next page begins, how much it may look at, and the room that the last one took. */
export type Place = { after: number; lines: number; scan: number; bytes: number }

/** What a page has of each call, in this order. */
export const CALL_FIELDS = [
  'seq',
  'recorded_at',
  'occurred_at',
  'credits',
  'remaining',
  'used',
  'quantity',
  'file_size_bytes',
  'processing_time_ms',
  'token_count',
  'sender_no',
  'kind',
  'reason',
  'counted',
  'overage',
  'failed',
  'service',
  'endpoint',
  'method',
  'region',
  'feature',
  'file_type',
  'output_format',
  'error_code',
  'properties',
] as const
type CallField = (typeof CALL_FIELDS)[number]

/** Where in a row a field is. */
export const FIELD = Object.fromEntries(CALL_FIELDS.map((name, index) => [name, index])) as Record<
  CallField,
  number
>

/**
 * Not in store.ts, since COPY takes no parameters: all that stands here is numbers and times that were
 * checked before. A call happens when its sender says, but never later than it was recorded; so lines
 * before `from` cannot be about what came after, but all later ones can be about what came before.
 */
export function pageStatement(
  { tenantNo, from, to }: CallStretch,
  { after, lines, scanned }: Place & { scanned: number },
): string {
  const [start, end] = [from, to].map((at) => `'${new Date(at).toISOString()}'::timestamptz`)
  return `COPY (
    SELECT ${CALL_FIELDS.join(', ')} FROM entry
    WHERE tenant_no = ${whole(tenantNo)} AND seq > ${whole(after)} AND seq <= ${whole(scanned)}
      AND kind IN (3, 4) AND recorded_at >= ${start}
      AND least(occurred_at, recorded_at) >= ${start} AND least(occurred_at, recorded_at) < ${end}
    ORDER BY seq LIMIT ${whole(lines)}
  ) TO STDOUT (FORMAT binary)`
}

function whole(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError(`not a whole number: ${value}`)
  return String(value)
}
