import {
  boolArray,
  int2Array,
  int4Array,
  int8Array,
  int8ArrayOfNumbers,
  jsonArray,
  textArray,
  timestampArray,
  uuidArray,
} from '../db/binary-arrays.ts'
import { MICROS_PER_UNIT } from '../lib/micros.ts'
import { encodeAccountState } from './account-state.ts'
import { ENTRY_KIND_CODES, REASON_CODES } from './codes.ts'
import { storedCost } from './entry-row.ts'
import type { Account, Entry } from './types.ts'

/** What one transaction writes: all of it, or nothing. */
export type Batch = {
  /** Each account once, as the batch found it and as it leaves it. */
  accounts: { beforeSeq: number; after: Account }[]
  lines: Line[]
}

export type Line = {
  tenantNo: number
  senderNo: number | null
  entry: Entry
  /** Null for lines that no sender asked for, such as expiries. */
  idempotency: IdempotencyKey | null
}

export type IdempotencyKey = {
  /** 16 bytes as a latin1 string; lib/idempotency.ts. */
  key: string
  /** 32 bits of what was asked, to tell a replay from another body under the same key. */
  fingerprint: number
}

/** A batch as the statement of `writeBatch` takes it: an array for each column. */
export function batchValues({ accounts, lines }: Batch): unknown[] {
  const keyed = lines.filter((line) => line.idempotency !== null)
  return [
    int4Array(accounts, ({ after }) => after.tenantNo),
    int8ArrayOfNumbers(accounts, ({ beforeSeq }) => beforeSeq),
    int8ArrayOfNumbers(accounts, ({ after }) => after.lastSeq),
    jsonArray(accounts, ({ after }) => encodeAccountState(after)),
    int4Array(keyed, ({ tenantNo }) => tenantNo),
    uuidArray(keyed, ({ idempotency }) => idempotency!.key),
    int8ArrayOfNumbers(keyed, ({ entry }) => entry.seq),
    int4Array(keyed, ({ idempotency }) => idempotency!.fingerprint),
    ...entryValues(lines),
    accounts.length,
  ]
}

function entryValues(lines: Line[]): (Buffer | null)[] {
  return [
    int4Array(lines, ({ tenantNo }) => tenantNo),
    int8ArrayOfNumbers(lines, ({ entry }) => entry.seq),
    timestampArray(lines, ({ entry }) => entry.recordedAt),
    timestampArray(lines, ({ entry }) => entry.call?.occurredAt ?? null),
    int8Array(lines, ({ entry }) => nullIfNone(entry.credits)),
    int8Array(lines, ({ entry }) => storedCost(entry)),
    int8Array(lines, ({ entry }) => nullIfNone(entry.remaining)),
    int8Array(lines, ({ entry }) => entry.used),
    int8Array(lines, ({ entry }) => storedQuantity(entry)),
    int8ArrayOfNumbers(lines, ({ entry }) => entry.call?.fileSizeBytes ?? null),
    int8ArrayOfNumbers(lines, ({ entry }) => entry.call?.processingTimeMs ?? null),
    int8ArrayOfNumbers(lines, ({ entry }) => entry.call?.tokenCount ?? null),
    int4Array(lines, ({ senderNo }) => senderNo),
    int2Array(lines, ({ entry }) => ENTRY_KIND_CODES[entry.kind]),
    int2Array(lines, ({ entry }) => (entry.reason === null ? 0 : REASON_CODES[entry.reason])),
    boolArray(lines, ({ entry }) => entry.counted),
    boolArray(lines, ({ entry }) => entry.overage),
    boolArray(lines, ({ entry }) => entry.call?.failed ?? false),
    textArray(lines, ({ entry }) => entry.call?.service ?? null),
    textArray(lines, ({ entry }) => entry.call?.endpoint ?? null),
    textArray(lines, ({ entry }) => entry.call?.method ?? null),
    textArray(lines, ({ entry }) => entry.call?.region ?? null),
    textArray(lines, ({ entry }) => entry.call?.feature ?? null),
    textArray(lines, ({ entry }) => entry.call?.fileType ?? null),
    textArray(lines, ({ entry }) => entry.call?.outputFormat ?? null),
    textArray(lines, ({ entry }) => entry.call?.errorCode ?? null),
    jsonArray(lines, ({ entry }) => entry.call?.properties ?? null),
    jsonArray(lines, ({ entry }) => (entry.detail === null ? null : JSON.stringify(entry.detail))),
    boolArray(lines, ({ entry }) => (entry.call?.selfReported === true ? true : null)),
  ]
}

function nullIfNone(credits: bigint): bigint | null {
  return credits === 0n ? null : credits
}

/** One unit is what nearly every call is, so it is not stored. */
function storedQuantity({ call }: Entry): bigint | null {
  return call === null || call.quantity === MICROS_PER_UNIT ? null : call.quantity
}
