import type { ByteSink } from './byte-sink.ts'
import type { CallColumn } from './call-columns.ts'
import type { CallRow } from './call-row.ts'

const COMMA = 0x2c
const QUOTE = 0x22
const APOSTROPHE = 0x27
const CR = 0x0d
const LF = 0x0a

/** Bytes for which a cell is put between quotes (RFC 4180). */
const NEEDS_QUOTES = new Uint8Array(256)
for (const byte of [COMMA, QUOTE, CR, LF]) NEEDS_QUOTES[byte] = 1

/** What a spreadsheet takes for the beginning of a formula, as csv-stringify's escape_formulas has it. */
const BEGINS_FORMULA = new Uint8Array(256)
for (const char of '=+-@\t\r') BEGINS_FORMULA[char.charCodeAt(0)] = 1
/** Full-width ones (＝ ＋ － ＠): of three bytes, of which the first two are the same. */
const WIDE = { first: 0xef, second: 0xbc, third: new Set([0x9d, 0x8b, 0x8d, 0xa0]) }

export function csvHeader(sink: ByteSink, columns: readonly CallColumn[]): void {
  sink.ascii(`${columns.map(({ name }) => name).join(',')}\r\n`)
}

/** What a call does not have is empty. */
export function csvRow(sink: ByteSink, columns: readonly CallColumn[], row: CallRow): void {
  for (let i = 0; i < columns.length; i++) {
    if (i > 0) sink.byte(COMMA)
    csvCell(sink, columns[i]!, row)
  }
  sink.byte(CR)
  sink.byte(LF)
}

function csvCell(sink: ByteSink, column: CallColumn, row: CallRow): void {
  if (column.type === 'text' || column.type === 'json') {
    if (column.locate(row)) csvText(sink, row.source, row.start, row.end)
    return
  }
  plainCell(sink, column, row)
}

type PlainColumn = Exclude<CallColumn, { type: 'text' | 'json' }>

/** Numbers, times, and words of ours, none of which need quotes in CSV. @returns whether there was one */
export function plainCell(sink: ByteSink, column: PlainColumn, row: CallRow): boolean {
  switch (column.type) {
    case 'whole': {
      const value = column.value(row)
      if (value !== null) sink.whole(value)
      return value !== null
    }
    case 'micros': {
      const value = column.value(row)
      if (value !== null) sink.micros(value)
      return value !== null
    }
    case 'instant': {
      const value = column.value(row)
      if (value !== null) sink.instant(value)
      return value !== null
    }
    case 'flag': {
      const value = column.value(row)
      if (value !== null) sink.ascii(value ? 'true' : 'false')
      return value !== null
    }
    case 'word': {
      const value = column.value(row)
      if (value !== null) sink.ascii(value)
      return value !== null
    }
  }
}

/** Copied in the hope that nothing in it is special, which nearly always is so. */
function csvText(sink: ByteSink, source: Uint8Array, start: number, end: number): void {
  sink.reserve(end - start + 1)
  const { bytes } = sink
  const begun = sink.length
  let at = begun
  if (beginsFormula(source, start, end)) bytes[at++] = APOSTROPHE
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (NEEDS_QUOTES[byte] === 1) {
      sink.length = begun
      quotedText(sink, source, start, end)
      return
    }
    bytes[at++] = byte
  }
  sink.length = at
}

function quotedText(sink: ByteSink, source: Uint8Array, start: number, end: number): void {
  sink.reserve(2 * (end - start) + 3)
  const { bytes } = sink
  let at = sink.length
  bytes[at++] = QUOTE
  if (beginsFormula(source, start, end)) bytes[at++] = APOSTROPHE
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte === QUOTE) bytes[at++] = QUOTE
    bytes[at++] = byte
  }
  bytes[at++] = QUOTE
  sink.length = at
}

function beginsFormula(source: Uint8Array, start: number, end: number): boolean {
  if (start === end) return false
  const first = source[start]!
  if (first !== WIDE.first) return BEGINS_FORMULA[first] === 1
  return source[start + 1] === WIDE.second && WIDE.third.has(source[start + 2]!)
}
