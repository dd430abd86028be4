import type { ByteSink } from './byte-sink.ts'
import type { TextFormat } from './text-rows.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
/** What is below a space has to be escaped. */
const SPACE = 0x20

/** An object for each call, which `end` may follow. */
export function jsonFormat(end: string): TextFormat {
  return {
    before: (name, index) => `${index === 0 ? '{' : ','}"${name}":`,
    absent: 'null',
    quote: '"',
    end: `}${end}`,
    text: jsonText,
    // Stored as it is written by JSON.stringify: on one line.
    json: (sink, source, start, end) => sink.part(source, start, end),
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
