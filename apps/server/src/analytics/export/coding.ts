import type { Transform } from 'node:stream'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'

/** The best first, where the asker likes several as much. */
export const CODINGS = ['zstd', 'br', 'gzip'] as const
export type Coding = (typeof CODINGS)[number] | 'identity'

/** Its default would take many times as long, for little. */
const BROTLI_QUALITY = 4

const COMPRESSORS: Record<Exclude<Coding, 'identity'>, () => Transform> = {
  zstd: () => createZstdCompress(),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: () => createGzip(),
}

/** @returns null where nothing is to be done */
export function compressorOf(coding: Coding): Transform | null {
  return coding === 'identity' ? null : COMPRESSORS[coding]()
}

/**
 * What an asker likes best of what there is (RFC 9110, 12.5.3). Who forbids everything gets it as it is,
 * which is better than nothing.
 */
export function codingFor(acceptEncoding: string | undefined): Coding {
  if (acceptEncoding === undefined) return 'identity'
  const weights = weightsOf(acceptEncoding)
  const weightOf = (coding: string) => weights.get(coding) ?? weights.get('*') ?? 0
  let best: Coding = 'identity'
  // What is not named is acceptable as it is, but anything that is named is liked better.
  let weight = weights.get('identity') ?? 0
  for (const coding of [...CODINGS].reverse()) {
    const own = weightOf(coding)
    if (own > 0 && own >= weight) [best, weight] = [coding, own]
  }
  return best
}

function weightsOf(header: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const part of header.split(',')) {
    const match = /^\s*([\w*-]+)\s*(?:;\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i.exec(part)
    if (match === null) continue
    const name = match[1]!.toLowerCase()
    weights.set(name === 'x-gzip' ? 'gzip' : name, Number(match[2] ?? 1))
  }
  return weights
}
