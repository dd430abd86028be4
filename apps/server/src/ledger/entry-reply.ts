import type { EntryReply } from '@tollgate/contract'
import { entryId } from '../lib/ids.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { costOf, type StoredEntry } from './entry-row.ts'
import type { Call } from './types.ts'

/** A line of a log as its reader sees it; what a line does not have is left out. */
export function entryReply(entry: StoredEntry, keyIds: ReadonlyMap<number, string>): EntryReply {
  const recordedAt = new Date(entry.recordedAt).toISOString()
  const occurredAt = entry.call?.occurredAt ?? null
  return {
    event_id: entryId('evt', entry.tenantNo, entry.seq),
    seq: entry.seq,
    kind: entry.kind,
    recorded_at: recordedAt,
    occurred_at: occurredAt === null ? recordedAt : new Date(occurredAt).toISOString(),
    decision: entry.reason === null ? 'allowed' : 'denied',
    reason: entry.reason,
    overage: entry.overage,
    counted: entry.counted,
    credits: {
      change: numberFromMicros(entry.credits),
      cost: numberFromMicros(costOf(entry)),
      remaining: numberFromMicros(entry.remaining),
    },
    used: numberFromMicros(entry.used),
    key_id: entry.keyNo === null ? null : (keyIds.get(entry.keyNo) ?? null),
    ...(entry.call === null ? {} : callReply(entry.call)),
    ...(entry.detail === null ? {} : { detail: entry.detail }),
  }
}

function callReply(call: Call): Partial<EntryReply> {
  const reply = {
    service_name: call.service,
    endpoint: call.endpoint,
    method: call.method,
    status: call.failed ? 'failure' : 'success',
    region: call.region,
    feature: call.feature,
    file_type: call.fileType,
    output_format: call.outputFormat,
    error_code: call.errorCode,
    file_size_bytes: call.fileSizeBytes,
    processing_time_ms: call.processingTimeMs,
    token_count: call.tokenCount,
    quantity: numberFromMicros(call.quantity),
    properties: call.properties === null ? null : JSON.parse(call.properties),
  }
  return Object.fromEntries(Object.entries(reply).filter(([, value]) => value !== null))
}
