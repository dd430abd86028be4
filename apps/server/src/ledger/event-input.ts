import type { TrackEvent } from '@tollgate/contract'
import type { Caller } from '../lib/caller.ts'
import { fingerprintOf } from '../lib/idempotency.ts'
import { MICROS_PER_UNIT, microsFromNumber } from '../lib/micros.ts'
import type { Call } from './types.ts'

/** Where an event does not say its service. */
export const DEFAULT_SERVICE = 'default'

/** The fields of an event that say what was called, whichever way it came. */
export type CallInput = Omit<TrackEvent, 'tenant_id' | 'account_id' | 'idempotency_key'>

/**
 * A checked event as the ledger takes it. Whether its time is within bounds is seen with the account at
 * hand (`timestamp-bounds.ts`), since a tenant on a test clock has a time of its own.
 * @param service where the event names none
 */
export function callFrom(
  input: CallInput,
  service: string,
  { tenant }: Pick<Caller, 'tenant'>,
): Call {
  const occurredAt = input.timestamp === undefined ? null : Date.parse(input.timestamp)
  return {
    service: input.service_name ?? service,
    endpoint: input.endpoint,
    method: input.method?.toUpperCase() ?? null,
    failed: input.status === 'failure',
    region: input.region ?? null,
    feature: input.feature ?? null,
    fileType: input.file_type ?? null,
    outputFormat: input.output_format ?? null,
    errorCode: input.error_code ?? null,
    fileSizeBytes: input.file_size_bytes ?? null,
    processingTimeMs: input.processing_time_ms ?? null,
    tokenCount: input.token_count ?? null,
    quantity: input.quantity === undefined ? MICROS_PER_UNIT : micros(input.quantity),
    properties: input.properties === undefined ? null : JSON.stringify(input.properties),
    occurredAt,
    selfReported: tenant !== null && occurredAt !== null,
    reportedCredits: input.credits_used === undefined ? null : micros(input.credits_used),
    reportedPremium: input.premium ?? null,
  }
}

/**
 * Tells a replay from another event under the same key, whatever the order of its fields. Who sends it
 * is not part of it: a service that repeats what its tenant sent has sent the same.
 */
export function callFingerprint(kind: 'call' | 'report', call: Call): number {
  return fingerprintOf([
    kind,
    call.service,
    call.endpoint,
    call.method,
    call.failed,
    call.region,
    call.feature,
    call.fileType,
    call.outputFormat,
    call.errorCode,
    call.fileSizeBytes,
    call.processingTimeMs,
    call.tokenCount,
    call.quantity,
    call.properties === null ? null : sortedText(call.properties),
    call.occurredAt,
    call.reportedCredits,
    call.reportedPremium,
  ])
}

function sortedText(json: string): string {
  return JSON.stringify(sortedJson(JSON.parse(json)))
}

function sortedJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedJson)
  if (value === null || typeof value !== 'object') return value
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(members.map(([key, member]) => [key, sortedJson(member)]))
}

function micros(value: number): bigint {
  const exact = microsFromNumber(value)
  if (exact === null) throw new Error(`the contract let ${value} pass, which has no exact form`)
  return exact
}
