import { z } from 'zod'
import { queryNumber } from './fields.ts'
import { tenantQuery } from './readings.ts'
import { periodQuery } from './usage.ts'

export const EXPORT_FORMATS = ['csv', 'json', 'ndjson', 'parquet'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
export const EXPORT_LEVELS = ['daily', 'events'] as const
export type ExportLevel = (typeof EXPORT_LEVELS)[number]

/** Of a row of level=events, in this order. New ones are added at the end, since programs may count them. */
export const EXPORT_CALL_COLUMNS = {
  seq: "place in the tenant's log; what `cursor` takes",
  event_id: 'as POST /api/track answered it',
  kind: 'call, or report of what had happened already',
  occurred_at: 'when it happened, as its sender said; else when it was recorded',
  recorded_at: 'when it was recorded',
  service_name: 'the API project',
  endpoint: 'path that was called',
  method: 'HTTP method',
  status: 'success or failure',
  error_code: 'why it failed',
  decision: 'allowed or denied',
  reason: 'why it was denied',
  counted: 'whether it uses quota, credits and money',
  overage: 'whether it went beyond quota or credits',
  quantity: 'units it counts for',
  credits_charged: 'credits that were taken',
  credits_remaining: 'credits free to spend after it',
  quota_used: 'units of the period used after it',
  region: 'as sent',
  feature: 'as sent',
  file_type: 'format that went in, as sent',
  output_format: 'format that came out, as sent',
  file_size_bytes: 'as sent',
  processing_time_ms: 'as sent',
  token_count: 'as sent',
  key_id: 'the key that sent it',
  member_id: 'the person who sent it',
  team: 'the team that the key belongs to now',
  voided_by: '`seq` of the line that took it back; its quota, credits and money do not count',
  properties: "the sender's own, as JSON",
} as const
export type ExportCallColumn = keyof typeof EXPORT_CALL_COLUMNS
export const EXPORT_CALL_COLUMN_NAMES = Object.keys(EXPORT_CALL_COLUMNS) as ExportCallColumn[]

const seq = queryNumber(0, Number.MAX_SAFE_INTEGER)

export const exportQuery = z.strictObject({
  ...tenantQuery.shape,
  ...periodQuery,
  format: z.enum(EXPORT_FORMATS).default('csv'),
  level: z
    .enum(EXPORT_LEVELS)
    .default('daily')
    .describe('daily: a row for each day; events: a row for each call'),
  cursor: seq
    .describe(
      'Of level=events: only rows with a larger seq. A CSV file then has no line of names, so that it can be added to what was received',
    )
    .optional(),
  through: seq
    .describe(
      'Of level=events: the log up to this line, as the header X-Export-Through of an earlier export told it. Left out: all of it',
    )
    .optional(),
})

/** For people: what level=events has in it, and how to go on after a lost connection. */
export const EXPORT_DESCRIPTION = `\`level=daily\` has a row for each day: Date, Conversions, Excel, PDF, Word, Success_Rate, Avg_Processing_MS.

\`level=events\` has a row for each call that happened in the range, in the order of the log, denied and voided ones as well: ${Object.entries(
  EXPORT_CALL_COLUMNS,
)
  .map(([name, meaning]) => `\`${name}\` (${meaning})`)
  .join(
    ', ',
  )}. What a call does not have is empty in CSV and null elsewhere. Times are UTC; credits and units have up to six decimals (in Parquet DECIMAL(18, 6)).

An export shows the log as it is when it begins, up to the line in the header \`X-Export-Through\`. Who loses the connection takes the \`seq\` of the last whole row and asks again with \`cursor\` set to it and \`through\` set to that header: the answer is exactly the rest. A file that is not complete ends with a broken connection, never like a whole one.

In CSV, text that a spreadsheet would run as a formula is led in by an apostrophe. Accept-Encoding is honoured (zstd, br, gzip), but for Parquet, which is compressed in itself. At most a few exports run at a time, per tenant (429) and per node (503); Retry-After says when to come again.`

export const exportReply = z.string().describe('The file')
