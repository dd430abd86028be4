import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Font, create } from 'fontkit'
import { LRUCache } from 'lru-cache'
import subsetFont from 'subset-font'
import { FONTS_CACHED_MAX } from '../../../limits.ts'

export type Weight = 400 | 700
export type FontFile = {
  /** The same for the same glyphs: what pdfkit knows the font by. */
  key: string
  bytes: Buffer
  has(codePoint: number): boolean
}

const { resolve } = createRequire(import.meta.url)
// What was read and unpacked is kept: a run of a thousand invoices reads the same few.
const cache = new LRUCache<string, Promise<FontFile>>({ max: FONTS_CACHED_MAX })

/** A whole font that a package has as TrueType. */
export function trueTypeFile(path: string): Promise<FontFile> {
  return cached(path, () => readFile(path))
}

/** A WOFF that is unpacked first: fontkit would unpack it again for each glyph. */
export function woffFile(path: string): Promise<FontFile> {
  return cached(path, async () => {
    const { convert } = await import('fontverter')
    return convert(await readFile(path), 'sfnt')
  })
}

/** One weight of a part of a variable font; fontkit can neither subset WOFF2 nor move all its glyphs. */
export function variableFile(path: string, weight: Weight, characters: string): Promise<FontFile> {
  return cached(`${path}:${weight}`, async () =>
    subsetFont(await readFile(path), characters, {
      targetFormat: 'sfnt',
      variationAxes: { wght: weight },
    }),
  )
}

/** Where a package is. Its package.json need not be among its exports; `file` must be. */
export function folderOf(packageName: string, file = ''): string {
  return dirname(resolve(join(packageName, file)))
}

function cached(key: string, read: () => Promise<Buffer>): Promise<FontFile> {
  const known = cache.get(key)
  if (known !== undefined) return known
  const file = read().then((bytes) => openFont(key, bytes))
  cache.set(key, file)
  file.catch(() => cache.delete(key))
  return file
}

function openFont(key: string, bytes: Buffer): FontFile {
  const font = create(bytes) as Font
  return { key, bytes, has: (codePoint) => font.hasGlyphForCodePoint(codePoint) }
}
