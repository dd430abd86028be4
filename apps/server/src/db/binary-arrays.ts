/**
 * Column arrays in PostgreSQL's binary format, for `unnest($1::int8[], …)`. The hot path sends
 * whole batches of rows so: text arrays would have to be escaped here and parsed there.
 * Format: array_recv in PostgreSQL's arrayfuncs.c.
 */
const OID = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  json: 114,
  timestamptz: 1184,
  uuid: 2950,
}

/** Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const EPOCH_2000_US = 946_684_800_000_000

/**
 * Each function makes one column of `rows`, by `get`, and returns null where every value is null:
 * `unnest` pads a missing column with nulls, for less.
 */
type Get<Row, T> = (row: Row) => T | null

export function int8Array<Row>(rows: readonly Row[], get: Get<Row, bigint>): Buffer | null {
  return fixedArray(OID.int8, 8, rows, get, writeBigInt64)
}

/** For safe integers, without the cost of a bigint for each. */
export function int8ArrayOfNumbers<Row>(
  rows: readonly Row[],
  get: Get<Row, number>,
): Buffer | null {
  return fixedArray(OID.int8, 8, rows, get, writeInt64)
}

export function int4Array<Row>(rows: readonly Row[], get: Get<Row, number>): Buffer | null {
  return fixedArray(OID.int4, 4, rows, get, writeInt32)
}

export function int2Array<Row>(rows: readonly Row[], get: Get<Row, number>): Buffer | null {
  return fixedArray(OID.int2, 2, rows, get, writeInt16)
}

export function boolArray<Row>(rows: readonly Row[], get: Get<Row, boolean>): Buffer | null {
  return fixedArray(OID.bool, 1, rows, get, writeBool)
}

/** Of milliseconds since 1970 UTC. */
export function timestampArray<Row>(rows: readonly Row[], get: Get<Row, number>): Buffer | null {
  return fixedArray(OID.timestamptz, 8, rows, get, writeTimestamp)
}

/** Of 16 bytes each, as latin1 strings. */
export function uuidArray<Row>(rows: readonly Row[], get: Get<Row, string>): Buffer | null {
  return fixedArray(OID.uuid, 16, rows, get, writeUuid)
}

export function textArray<Row>(rows: readonly Row[], get: Get<Row, string>): Buffer | null {
  return stringArray(OID.text, rows, get)
}

export function jsonArray<Row>(rows: readonly Row[], get: Get<Row, string>): Buffer | null {
  return stringArray(OID.json, rows, get)
}

const HEADER_BYTES = 20
const NULL_LENGTH = -1

function writeHeader(buffer: Buffer, oid: number, length: number): number {
  buffer.writeInt32BE(1, 0) // dimensions
  buffer.writeInt32BE(1, 4) // may hold nulls
  buffer.writeInt32BE(oid, 8)
  buffer.writeInt32BE(length, 12)
  buffer.writeInt32BE(1, 16) // first index
  return HEADER_BYTES
}

function fixedArray<Row, T>(
  oid: number,
  width: number,
  rows: readonly Row[],
  get: Get<Row, T>,
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer | null {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + rows.length * (4 + width))
  let at = writeHeader(buffer, oid, rows.length)
  let anyValue = false
  for (const row of rows) {
    const value = get(row)
    if (value === null) {
      at = buffer.writeInt32BE(NULL_LENGTH, at)
    } else {
      anyValue = true
      at = buffer.writeInt32BE(width, at)
      write(buffer, value, at)
      at += width
    }
  }
  return anyValue ? buffer.subarray(0, at) : null
}

function stringArray<Row>(oid: number, rows: readonly Row[], get: Get<Row, string>): Buffer | null {
  const values = rows.map(get)
  let bytesMax = HEADER_BYTES
  let anyValue = false
  for (const value of values) {
    bytesMax += 4
    if (value === null) continue
    anyValue = true
    // A UTF-16 unit takes at most three bytes of UTF-8.
    bytesMax += value.length * 3
  }
  if (!anyValue) return null
  const buffer = Buffer.allocUnsafe(bytesMax)
  let at = writeHeader(buffer, oid, values.length)
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(NULL_LENGTH, at)
    } else {
      const bytes = buffer.write(value, at + 4, 'utf8')
      buffer.writeInt32BE(bytes, at)
      at += 4 + bytes
    }
  }
  return buffer.subarray(0, at)
}

function writeBigInt64(buffer: Buffer, value: bigint, at: number): void {
  buffer.writeBigInt64BE(value, at)
}

function writeInt32(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt32BE(value, at)
}

function writeInt16(buffer: Buffer, value: number, at: number): void {
  buffer.writeInt16BE(value, at)
}

function writeBool(buffer: Buffer, value: boolean, at: number): void {
  buffer[at] = value ? 1 : 0
}

function writeUuid(buffer: Buffer, value: string, at: number): void {
  buffer.write(value, at, 16, 'latin1')
}

function writeTimestamp(buffer: Buffer, value: number, at: number): void {
  writeInt64(buffer, value * 1_000 - EPOCH_2000_US, at)
}

/** Two halves, since a double's bits do not fit the 32-bit operators. Exact for safe integers. */
function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4)
}
