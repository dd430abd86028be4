import type { ByteSink } from './byte-sink.ts'
import type { TextFormat } from './text-rows.ts'

const QUOTE = 0x22
const APOSTROPHE = 0x27

/** Bytes for which a cell is put between quotes (RFC 4180). */
const NEEDS_QUOTES = new Uint8Array(256)
for (const char of ',"\r\n') NEEDS_QUOTES[char.charCodeAt(0)] = 1

/** What a spreadsheet takes for the beginning of a formula, as csv-stringify's escape_formulas has it. */
const BEGINS_FORMULA = new Uint8Array(256)
for (const char of '=+-@\t\r') BEGINS_FORMULA[char.charCodeAt(0)] = 1
/** Full-width ones (＝ ＋ － ＠): of three bytes, of which the first two are the same. */
const WIDE = { first: 0xef, second: 0xbc, third: new Set([0x9d, 0x8b, 0x8d, 0xa0]) }

export const CSV: TextFormat = {
  before: (_name, index) => (index === 0 ? '' : ','),
  absent: '',
  quote: '',
  end: '\r\n',
  text: csvText,
  json: csvText,
}

export function csvHeader(names: readonly string[]): string {
  return `${names.join(',')}\r\n`
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
