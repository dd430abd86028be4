import { MICROS_PER_UNIT } from '../lib/micros.ts'
import { entryKindFromCode, reasonFromCode } from './codes.ts'
import type { Call, Entry, SenderNo } from './types.ts'

export const ENTRY_COLUMNS = `
  e.tenant_no, e.seq, e.recorded_at, e.occurred_at, e.credits, e.cost, e.remaining, e.used,
  e.quantity, e.file_size_bytes, e.processing_time_ms, e.token_count, e.sender_no, e.kind, e.reason,
  e.counted, e.overage, e.failed, e.service, e.endpoint, e.method, e.region, e.feature, e.file_type,
  e.output_format, e.error_code, e.properties, e.detail, e.self_reported`

/** A row as the driver gives it: bigint for int8, milliseconds for timestamptz. */
export type EntryRow = {
  tenant_no: number
  seq: bigint
  recorded_at: number
  occurred_at: number | null
  credits: bigint | null
  cost: bigint | null
  remaining: bigint | null
  used: bigint
  quantity: bigint | null
  file_size_bytes: bigint | null
  processing_time_ms: bigint | null
  token_count: bigint | null
  sender_no: number | null
  kind: number
  reason: number
  counted: boolean
  overage: boolean
  failed: boolean
  service: string | null
  endpoint: string | null
  method: string | null
  region: string | null
  feature: string | null
  file_type: string | null
  output_format: string | null
  error_code: string | null
  properties: unknown
  detail: Record<string, unknown> | null
  self_reported: boolean | null
}

/** A line and who sent it. */
export type SentEntry = Entry & { readonly senderNo: SenderNo }
export type StoredEntry = SentEntry & { readonly tenantNo: number }

export function storedEntryFromRow(row: EntryRow): StoredEntry {
  const credits = row.credits ?? 0n
  const cost = row.cost ?? usualCost(credits, row.endpoint !== null)
  return {
    tenantNo: row.tenant_no,
    senderNo: row.sender_no,
    seq: Number(row.seq),
    kind: entryKindFromCode(row.kind),
    recordedAt: row.recorded_at,
    reason: reasonFromCode(row.reason),
    counted: row.counted,
    overage: row.overage,
    credits,
    cost: cost === takenOf(credits) ? null : cost,
    remaining: row.remaining ?? 0n,
    used: row.used,
    call: row.endpoint === null ? null : callFromRow(row, row.endpoint),
    detail: row.detail,
  }
}

function callFromRow(row: EntryRow, endpoint: string): Call {
  return {
    service: row.service ?? '',
    endpoint,
    method: row.method,
    failed: row.failed,
    region: row.region,
    feature: row.feature,
    fileType: row.file_type,
    outputFormat: row.output_format,
    errorCode: row.error_code,
    fileSizeBytes: numberOrNull(row.file_size_bytes),
    processingTimeMs: numberOrNull(row.processing_time_ms),
    tokenCount: numberOrNull(row.token_count),
    quantity: row.quantity ?? MICROS_PER_UNIT,
    properties: row.properties === null ? null : JSON.stringify(row.properties),
    occurredAt: row.occurred_at,
    selfReported: row.self_reported ?? false,
    // What the request said of these is in cost and reason; it is not kept by itself.
    reportedCredits: null,
    reportedPremium: null,
  }
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value)
}

/** What a line costs, taken or not. */
export function costOf(entry: Entry): bigint {
  return entry.cost ?? takenOf(entry.credits)
}

function takenOf(credits: bigint): bigint {
  return credits < 0n ? -credits : 0n
}

/** The cost as it is stored: null where it is the usual one. */
export function storedCost(entry: Entry): bigint | null {
  const cost = costOf(entry)
  return cost === usualCost(entry.credits, entry.call !== null) ? null : cost
}

/** What was taken; for a call that paid nothing, since its plan has no credits or denied it, one credit. */
function usualCost(credits: bigint, isCall: boolean): bigint {
  return isCall && credits === 0n ? MICROS_PER_UNIT : takenOf(credits)
}
