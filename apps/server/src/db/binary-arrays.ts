/**
 * Column arrays in PostgreSQL's binary format, for `unnest($1::int8[], …)`. The hot path sends
 * whole batches of rows so: text arrays would have to be escaped here and parsed there.
 * Format: array_recv in PostgreSQL's arrayfuncs.c.
 */
const OID = { bool: 16, int8: 20, int2: 21, int4: 23, text: 25, json: 114, timestamptz: 1184, uuid: 2950 }

/** Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin. */
const EPOCH_2000_US = 946_684_800_000_000n

export type Column<T> = readonly (T | null)[]

/** Each returns null where every value is null: `unnest` pads a missing column with nulls, for less. */
export function int8Array(values: Column<bigint>): Buffer | null {
  return fixedArray(OID.int8, 8, values, (buffer, value, at) => {
    buffer.writeBigInt64BE(value, at)
  })
}

/** For safe integers, without the cost of a bigint for each. */
export function int8ArrayOfNumbers(values: Column<number>): Buffer | null {
  return fixedArray(OID.int8, 8, values, writeInt64)
}

export function int4Array(values: Column<number>): Buffer | null {
  return fixedArray(OID.int4, 4, values, (buffer, value, at) => {
    buffer.writeInt32BE(value, at)
  })
}

export function int2Array(values: Column<number>): Buffer | null {
  return fixedArray(OID.int2, 2, values, (buffer, value, at) => {
    buffer.writeInt16BE(value, at)
  })
}

export function boolArray(values: Column<boolean>): Buffer | null {
  return fixedArray(OID.bool, 1, values, (buffer, value, at) => {
    buffer[at] = value ? 1 : 0
  })
}

/** @param values milliseconds since 1970 UTC */
export function timestampArray(values: Column<number>): Buffer | null {
  return fixedArray(OID.timestamptz, 8, values, (buffer, value, at) => {
    writeInt64(buffer, value * 1_000 - Number(EPOCH_2000_US), at)
  })
}

/** @param values 16 bytes each, as a latin1 string */
export function uuidArray(values: Column<string>): Buffer | null {
  return fixedArray(OID.uuid, 16, values, (buffer, value, at) => {
    buffer.write(value, at, 16, 'latin1')
  })
}

export function textArray(values: Column<string>): Buffer | null {
  return stringArray(OID.text, values)
}

export function jsonArray(values: Column<string>): Buffer | null {
  return stringArray(OID.json, values)
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

function fixedArray<T>(
  oid: number,
  width: number,
  values: Column<T>,
  write: (buffer: Buffer, value: T, at: number) => void,
): Buffer | null {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + values.length * (4 + width))
  let at = writeHeader(buffer, oid, values.length)
  let anyValue = false
  for (const value of values) {
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

function stringArray(oid: number, values: Column<string>): Buffer | null {
  let bytesMax = HEADER_BYTES
  // A UTF-16 unit takes at most three bytes of UTF-8.
  for (const value of values) bytesMax += 4 + (value === null ? 0 : value.length * 3)
  const buffer = Buffer.allocUnsafe(bytesMax)
  let at = writeHeader(buffer, oid, values.length)
  let anyValue = false
  for (const value of values) {
    if (value === null) {
      at = buffer.writeInt32BE(NULL_LENGTH, at)
    } else {
      anyValue = true
      const bytes = buffer.write(value, at + 4, 'utf8')
      buffer.writeInt32BE(bytes, at)
      at += 4 + bytes
    }
  }
  return anyValue ? buffer.subarray(0, at) : null
}

/** Two halves, since a double's bits do not fit the 32-bit operators. Exact for safe integers. */
function writeInt64(buffer: Buffer, value: number, at: number): void {
  const high = Math.floor(value / 2 ** 32)
  buffer.writeInt32BE(high, at)
  buffer.writeUInt32BE(value - high * 2 ** 32, at + 4)
}
