import { EXPORT_CALL_COLUMN_NAMES, type ExportCallColumn } from '@tollgate/contract'
import { entryKindFromCode, reasonFromCode } from '../../ledger/codes.ts'
import { MICROS_PER_UNIT } from '../../lib/micros.ts'
import type { CallRow } from './call-row.ts'
import { FIELD } from './page-sql.ts'

type Cell<Type extends string, Value> = {
  name: ExportCallColumn
  type: Type
  value(row: CallRow): Value | null
}
type Located<Type extends string> = {
  name: ExportCallColumn
  type: Type
  locate(row: CallRow): boolean
}
/**
 * How a cell is got, by what it is. Words are of ours: letters, digits and underscores. Texts are the
 * sender's and anything; they stay where they are, as bytes: `locate` says where, or that there is none.
 */
export type CallColumn =
  | Cell<'whole', number | bigint>
  | Cell<'micros', number | bigint>
  | Cell<'instant', number>
  | Cell<'flag', boolean>
  | Cell<'word', string>
  | Located<'text'>
  | Located<'json'>
type Unnamed<T> = T extends unknown ? Omit<T, 'name'> : never
type Source = Unnamed<CallColumn>

const SOURCES: Record<ExportCallColumn, Source> = {
  seq: { type: 'whole', value: ({ cells }) => cells.int64(FIELD.seq) },
  event_id: { type: 'text', locate: (row) => row.locateEventId() },
  kind: { type: 'word', value: ({ cells }) => entryKindFromCode(cells.int16(FIELD.kind)) },
  occurred_at: {
    type: 'instant',
    value: ({ cells }) =>
      cells.instant(cells.isNull(FIELD.occurred_at) ? FIELD.recorded_at : FIELD.occurred_at),
  },
  recorded_at: { type: 'instant', value: ({ cells }) => cells.instant(FIELD.recorded_at) },
  service_name: text('service'),
  endpoint: text('endpoint'),
  method: text('method'),
  status: {
    type: 'word',
    value: ({ cells }) => (cells.flag(FIELD.failed) ? 'failure' : 'success'),
  },
  error_code: text('error_code'),
  decision: {
    type: 'word',
    value: ({ cells }) => (cells.int16(FIELD.reason) === 0 ? 'allowed' : 'denied'),
  },
  reason: { type: 'word', value: ({ cells }) => reasonFromCode(cells.int16(FIELD.reason)) },
  counted: { type: 'flag', value: ({ cells }) => cells.flag(FIELD.counted) },
  overage: { type: 'flag', value: ({ cells }) => cells.flag(FIELD.overage) },
  quantity: {
    type: 'micros',
    value: (row) => row.number(FIELD.quantity) ?? Number(MICROS_PER_UNIT),
  },
  credits_charged: { type: 'micros', value: (row) => negated(row.number(FIELD.credits) ?? 0) },
  credits_remaining: { type: 'micros', value: (row) => row.number(FIELD.remaining) ?? 0 },
  quota_used: { type: 'micros', value: ({ cells }) => cells.int64(FIELD.used) },
  region: text('region'),
  feature: text('feature'),
  file_type: text('file_type'),
  output_format: text('output_format'),
  file_size_bytes: { type: 'whole', value: (row) => row.number(FIELD.file_size_bytes) },
  processing_time_ms: { type: 'whole', value: (row) => row.number(FIELD.processing_time_ms) },
  token_count: { type: 'whole', value: (row) => row.number(FIELD.token_count) },
  key_id: { type: 'word', value: (row) => row.sender().keyId },
  member_id: { type: 'word', value: (row) => row.sender().memberId },
  team: { type: 'text', locate: (row) => row.locateIn(row.sender().team) },
  voided_by: { type: 'whole', value: (row) => row.voidedBy() },
  properties: { type: 'json', locate: (row) => row.locate(FIELD.properties) },
}

export const CALL_COLUMNS: readonly CallColumn[] = EXPORT_CALL_COLUMN_NAMES.map(
  (name) => ({ name, ...SOURCES[name] }) as CallColumn,
)

function text(field: keyof typeof FIELD): Source {
  const place = FIELD[field]
  return { type: 'text', locate: (row) => row.locate(place) }
}

function negated(value: number | bigint): number | bigint {
  // Zero has no sign.
  return typeof value === 'bigint' ? -value : 0 - value
}
