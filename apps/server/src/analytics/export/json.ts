import type { ByteSink } from './byte-sink.ts'
import type { CallColumn } from './call-columns.ts'
import type { CallRow } from './call-row.ts'
import { plainCell } from './csv.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const CLOSING_BRACE = 0x7d
/** What is below a space has to be escaped. */
const SPACE = 0x20

/** What stands before each cell: the names are the same in every row. */
export function jsonNames(columns: readonly CallColumn[]): string[] {
  return columns.map(({ name }, index) => `${index === 0 ? '{' : ','}"${name}":`)
}

/** What a call does not have is null. */
export function jsonRow(
  sink: ByteSink,
  columns: readonly CallColumn[],
  names: readonly string[],
  row: CallRow,
): void {
  for (let i = 0; i < columns.length; i++) {
    sink.ascii(names[i]!)
    if (!jsonCell(sink, columns[i]!, row)) sink.ascii('null')
  }
  sink.byte(CLOSING_BRACE)
}

/** @returns whether there was one */
function jsonCell(sink: ByteSink, column: CallColumn, row: CallRow): boolean {
  switch (column.type) {
    case 'text':
      if (!column.locate(row)) return false
      jsonText(sink, row.source, row.start, row.end)
      return true
    case 'json':
      // Stored as it is written by JSON.stringify: on one line.
      if (!column.locate(row)) return false
      sink.part(row.source, row.start, row.end)
      return true
    case 'word':
    case 'instant': {
      const begun = sink.length
      sink.byte(QUOTE)
      if (!plainCell(sink, column, row)) {
        sink.length = begun
        return false
      }
      sink.byte(QUOTE)
      return true
    }
    default:
      return plainCell(sink, column, row)
  }
}

/** Copied in the hope that nothing in it is special. */
function jsonText(sink: ByteSink, source: Uint8Array, start: number, end: number): void {
  sink.reserve(end - start + 2)
  const { bytes } = sink
  const begun = sink.length
  let at = begun
  bytes[at++] = QUOTE
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte < SPACE || byte === QUOTE || byte === BACKSLASH) {
      sink.length = begun
      const text = Buffer.from(source.buffer, source.byteOffset + start, end - start)
      sink.text(JSON.stringify(text.toString()))
      return
    }
    bytes[at++] = byte
  }
  bytes[at++] = QUOTE
  sink.length = at
}
