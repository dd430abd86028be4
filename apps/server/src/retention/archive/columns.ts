import type { ParquetType, ParquetValue } from '../../analytics/export/parquet.ts'

/** Everything that a line is, as it is stored: micro-credits and codes are whole numbers, JSON is text. */
export const ARCHIVE_COLUMNS = {
  tenant_id: 'text',
  tenant_no: 'whole',
  seq: 'whole',
  recorded_at: 'instant',
  occurred_at: 'instant',
  credits: 'whole',
  cost: 'whole',
  remaining: 'whole',
  used: 'whole',
  quantity: 'whole',
  file_size_bytes: 'whole',
  processing_time_ms: 'whole',
  token_count: 'whole',
  sender_no: 'whole',
  kind: 'whole',
  reason: 'whole',
  counted: 'flag',
  overage: 'flag',
  failed: 'flag',
  service: 'text',
  endpoint: 'text',
  method: 'text',
  region: 'text',
  feature: 'text',
  file_type: 'text',
  output_format: 'text',
  error_code: 'text',
  properties: 'text',
  detail: 'text',
  self_reported: 'flag',
} as const satisfies Record<string, ParquetType>

export type ArchiveColumn = keyof typeof ARCHIVE_COLUMNS
export type ArchiveRow = Record<ArchiveColumn, ParquetValue> & { tenant_no: number; seq: bigint }

/** Column by column, as a file has them. */
export function columnsOf(rows: readonly ArchiveRow[]): ParquetValue[][] {
  return Object.entries(ARCHIVE_COLUMNS).map(([name, type]) =>
    rows.map((row) => {
      const value = row[name as ArchiveColumn]
      if (value === null || type === 'text' || type === 'flag') return value
      return BigInt(value as number | bigint)
    }),
  )
}
