import type { EntryReply } from '@tollgate/contract'
import { entryId } from '../lib/ids.ts'
import { numberFromMicros } from '../lib/micros.ts'
import { costOf, type StoredEntry } from './entry-row.ts'
import type { Call } from './types.ts'

/** A key or a member as others know it, and of a key the team that it belongs to. */
export type SenderName = { readonly id: string; readonly team: string | null }
export type SenderNames = ReadonlyMap<number, SenderName>

/** Of the senders that lines name, by number. */
export function sendersOf(entries: readonly StoredEntry[]): number[] {
  const numbers = entries.flatMap(({ senderNo, detail }) => [senderNo, detail?.key_no])
  return [...new Set(numbers.filter((number) => typeof number === 'number'))]
}

/** A line of a log as its reader sees it; what a line does not have is left out. */
export function entryReply(entry: StoredEntry, names: SenderNames): EntryReply {
  const sender = entry.senderNo === null ? undefined : names.get(entry.senderNo)
  const byMember = entry.senderNo !== null && entry.senderNo < 0
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
    key_id: byMember ? null : (sender?.id ?? null),
    team: sender?.team ?? null,
    member_id: byMember ? (sender?.id ?? null) : null,
    ...(entry.call === null ? {} : callReply(entry.call)),
    ...(entry.detail === null ? {} : { detail: detailReply(entry.detail, names) }),
  }
}

/** The number of a key means nothing to a reader. */
function detailReply(
  { key_no, ...detail }: NonNullable<StoredEntry['detail']>,
  names: SenderNames,
): EntryReply['detail'] {
  if (typeof key_no !== 'number') return detail
  return { key_id: names.get(key_no)?.id ?? null, ...detail }
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
    self_reported: call.selfReported ? true : null,
  }
  return Object.fromEntries(Object.entries(reply).filter(([, value]) => value !== null))
}
