import { EXPORT_CALL_COLUMN_NAMES, type ExportCallColumn } from '@tollgate/contract'
import { entryKindFromCode, reasonFromCode } from '../../ledger/codes.ts'
import { MICROS_PER_UNIT } from '../../lib/micros.ts'
import { CODE, type CallField, FIELD } from './page-sql.ts'

/** Who sent a call, in words of ours but for the team. */
export type Sender = { keyId: string | null; memberId: string | null; team: string | null }

/**
 * How a cell is got: out of a field of the row, or of its code or its sender, of which there are few, so
 * that what they make is made once for many rows. Texts are the sender's and anything.
 */
type Source =
  | { from: 'field'; type: 'whole' | 'text' | 'json'; field: number }
  | { from: 'field'; type: 'micros'; field: number; absent: number; isNegated: boolean }
  | { from: 'field'; type: 'instant'; field: number; otherwise: number }
  | { from: 'code'; type: 'text'; value(code: number): string | null }
  | { from: 'code'; type: 'flag'; value(code: number): boolean }
  | { from: 'sender'; type: 'text'; value(sender: Sender): string | null }
  | { from: 'line'; type: 'text' }
  | { from: 'void'; type: 'whole' }
export type CallColumn = Source & { name: ExportCallColumn }

const SOURCES: Record<ExportCallColumn, Source> = {
  seq: field('whole', 'seq'),
  event_id: { from: 'line', type: 'text' },
  kind: coded((code) => entryKindFromCode(CODE.kind(code))),
  occurred_at: instant('occurred_at'),
  recorded_at: instant('recorded_at'),
  service_name: field('text', 'service'),
  endpoint: field('text', 'endpoint'),
  method: field('text', 'method'),
  status: coded((code) => (CODE.failed(code) ? 'failure' : 'success')),
  error_code: field('text', 'error_code'),
  decision: coded((code) => (CODE.reason(code) === 0 ? 'allowed' : 'denied')),
  reason: coded((code) => reasonFromCode(CODE.reason(code))),
  counted: { from: 'code', type: 'flag', value: CODE.counted },
  overage: { from: 'code', type: 'flag', value: CODE.overage },
  quantity: micros('quantity', { absent: Number(MICROS_PER_UNIT) }),
  credits_charged: micros('credits', { isNegated: true }),
  credits_remaining: micros('remaining'),
  quota_used: micros('used'),
  region: field('text', 'region'),
  feature: field('text', 'feature'),
  file_type: field('text', 'file_type'),
  output_format: field('text', 'output_format'),
  file_size_bytes: field('whole', 'file_size_bytes'),
  processing_time_ms: field('whole', 'processing_time_ms'),
  token_count: field('whole', 'token_count'),
  key_id: { from: 'sender', type: 'text', value: ({ keyId }) => keyId },
  member_id: { from: 'sender', type: 'text', value: ({ memberId }) => memberId },
  team: { from: 'sender', type: 'text', value: ({ team }) => team },
  voided_by: { from: 'void', type: 'whole' },
  properties: field('json', 'properties'),
}

export const CALL_COLUMNS: readonly CallColumn[] = EXPORT_CALL_COLUMN_NAMES.map((name) => ({
  name,
  ...SOURCES[name],
}))

function field(type: 'whole' | 'text' | 'json', name: CallField): Source {
  return { from: 'field', type, field: FIELD[name] }
}

function coded(value: (code: number) => string | null): Source {
  return { from: 'code', type: 'text', value }
}

function micros(name: CallField, { absent = 0, isNegated = false } = {}): Source {
  return { from: 'field', type: 'micros', field: FIELD[name], absent, isNegated }
}

function instant(name: CallField): Source {
  return { from: 'field', type: 'instant', field: FIELD[name], otherwise: FIELD.recorded_at }
}
